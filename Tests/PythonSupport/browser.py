"""A headless Chromium that looks at the dashboard, and what tests ask of its pages."""

import base64
import os
import pathlib
import shutil

from selenium import webdriver
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from waiting import PATIENCE

#: Where pictures of the pages are left when somebody asks for them.
PICTURES = os.environ.get("DASHBOARD_PICTURES")

#: Texts whose colours stand out too little against what is behind them (WCAG 2.2, 1.4.3 AA).
_FAINT_TEXTS = """
const canvas = document.createElement("canvas");
canvas.width = canvas.height = 1;
const pen = canvas.getContext("2d", { willReadFrequently: true });
const parsed = new Map();
function rgba(text) {
    if (!parsed.has(text)) {
        pen.clearRect(0, 0, 1, 1);
        pen.fillStyle = text;
        pen.fillRect(0, 0, 1, 1);
        parsed.set(text, [...pen.getImageData(0, 0, 1, 1).data]);
    }
    return parsed.get(text);
}
function over(top, below) {
    const share = top[3] / 255;
    return [0, 1, 2].map((part) => top[part] * share + below[part] * (1 - share)).concat(255);
}
function behind(element) {
    const layers = [];
    for (let each = element; each; each = each.parentElement) {
        const color = rgba(getComputedStyle(each).backgroundColor);
        if (color[3] > 0) layers.push(color);
        if (color[3] === 255) break;
    }
    const dark = getComputedStyle(document.documentElement).colorScheme === "dark";
    return layers.reduceRight((below, layer) => over(layer, below), dark ? [0, 0, 0, 255] : [255, 255, 255, 255]);
}
function luminance(color) {
    const [r, g, b] = color.slice(0, 3).map((part) => {
        const value = part / 255;
        return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
const faint = [];
let looked = 0;
for (const element of document.querySelectorAll("body *")) {
    const text = [...element.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join(" ").trim();
    if (!text || !element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true })) continue;
    if (element.closest(":disabled, .visually-hidden, .skip, option, dialog:not([open])")) continue;
    looked += 1;
    const style = getComputedStyle(element);
    const ground = behind(element);
    const [one, other] = [luminance(over(rgba(style.color), ground)), luminance(ground)];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (isLarge ? 3 : 4.5)) faint.push(`${text.slice(0, 40)} (${element.className}): ${ratio.toFixed(2)}`);
}
return [looked, faint];
"""

_TOO_WIDE = """
return [...document.querySelectorAll("body *")]
    .filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll, .nav, .tabs, pre, .visually-hidden"))
    .slice(0, 5).map((e) => e.outerHTML.slice(0, 120));
"""


class Browser:
    """A browser on one gateway's dashboard."""

    def __init__(self, gateway, directory):
        self.gateway = gateway
        options = Options()
        for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                     "--lang=en", "--accept-lang=en", f"--user-data-dir={directory}"):
            options.add_argument(flag)
        options.binary_location = shutil.which("chromium") or "chromium"
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.size(1280, 900)

    def close(self):
        """Ends the browser."""
        self.driver.quit()

    # Going about

    def address(self, path):
        """The address of a page, by its path behind /admin/jobs."""
        return f"{self.gateway.scheme}://127.0.0.1:{self.gateway.port}/admin/jobs{path}"

    def open(self, path=""):
        """Opens a page by its path behind /admin/jobs."""
        self.driver.get(self.address(path))
        return self

    def log_in(self, token):
        """Types a token into the login page."""
        self.driver.delete_all_cookies()
        self.open()
        self.one("input[name=token]").send_keys(token)
        self.click("button[type=submit]")
        self.until(lambda: self.all("#nav"))

    def one(self, selector):
        """The first element of a selector; waits for it."""
        return WebDriverWait(self.driver, PATIENCE).until(
            lambda driver: driver.find_element(By.CSS_SELECTOR, selector), f"nothing is {selector}"
        )

    def all(self, selector):
        """The elements of a selector."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def click(self, selector):
        """Clicks at the first element of a selector."""
        self.one(selector).click()

    def press(self, keys):
        """Presses keys, wherever the focus is."""
        self.driver.switch_to.active_element.send_keys(keys)

    def script(self, text, *arguments):
        """Runs script in the page."""
        return self.driver.execute_script(text, *arguments)

    def until(self, check, message="", timeout=PATIENCE):
        """Waits until a check of the page succeeds."""
        wait = WebDriverWait(self.driver, timeout, poll_frequency=0.1, ignored_exceptions=[Exception])
        try:
            return wait.until(lambda _: check())
        except TimeoutException:
            raise AssertionError(f"{message or 'not so'}; the page says: {self.text()[:1500]}") from None

    def text(self):
        """What the page says."""
        return self.one("main").text

    def shows(self, text):
        """Waits until the page says something."""
        self.until(lambda: text in self.text(), f"it does not say {text!r}")

    def answer(self, yes=True):
        """Answers the question that was asked."""
        self.until(lambda: self.one("dialog#question[open]"))
        self.click("dialog#question button[type=submit]" if yes else "dialog#question [data-no]")

    def notice(self):
        """What the page says of the last change."""
        return self.one("#notice").text

    # How it is shown

    def size(self, width, height):
        """Makes the page so many pixels large."""
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": False,
        })

    def scheme(self, name):
        """The system's colours: light or dark."""
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": name}],
        })

    def scripting(self, allowed):
        """Whether pages may run script."""
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not allowed})

    def picture(self, name):
        """Leaves a picture of the page, where somebody asks for one."""
        if not PICTURES:
            return
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        pathlib.Path(PICTURES, f"dashboard-{name}.png").write_bytes(base64.b64decode(shot["data"]))

    # What must be so on every page

    def faint_texts(self):
        """Texts that stand out too little."""
        looked, faint = self.script(_FAINT_TEXTS)
        assert looked > 10, "hardly a text was looked at"
        return faint

    def nameless(self):
        """Controls without a name that can be read out."""
        controls = self.all("main a, main button, main input:not([type=hidden]), main select, #nav a, .side-end a")
        return [
            control.get_attribute("outerHTML")[:150]
            for control in controls[:60] if control.is_displayed() and not control.accessible_name.strip()
        ]

    def too_wide(self):
        """Elements that stand out of the page at the right."""
        return self.script(_TOO_WIDE)

    def complaints(self):
        """What the browser wrote into its console: forbidden script or style, missing files, errors.

        A page that is refused, or gone like the worker it shows, is no fault of the page's.
        """
        return [
            entry["message"] for entry in self.driver.get_log("browser")
            if entry["level"] == "SEVERE" and "(Unauthorized)" not in entry["message"]
            and not ("/workers/" in entry["message"] and "(Not Found)" in entry["message"])
        ]

    def reached_by_tab(self, most):
        """The elements that the tab key reaches, as short texts, in order."""
        self.script("document.activeElement.blur()")
        reached = []
        for _ in range(most):
            self.press(Keys.TAB)
            reached.append(self.script(
                "const e = document.activeElement; return [e.tagName, e.className, (e.textContent || e.name || '').trim()]"
            ))
        return reached
