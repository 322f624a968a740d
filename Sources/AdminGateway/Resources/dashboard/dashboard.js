// What the pages do beyond links and forms: they refresh themselves, follow running tasks, ask before harm, and know a
// few keys. Everything works without this file too, only less comfortably.
"use strict";

const body = document.body;
const words = body.dataset;

// MARK: Small things

function say(text) {
    const region = document.getElementById("announcements");
    if (region) region.textContent = text;
}

/// An element's id; a form's own property is hidden by a field that is called so.
function idOf(node) {
    return node.getAttribute?.("id") || "";
}

function isTyping(element) {
    return element && (element.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(element.tagName));
}

function openDialog() {
    return document.querySelector("dialog[open]");
}

function localTimes(root) {
    const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "long" });
    for (const time of root.querySelectorAll("time[datetime]")) {
        const date = new Date(time.dateTime);
        if (!Number.isNaN(date.getTime())) time.title = format.format(date);
    }
}

// MARK: Refreshing without losing place, focus or what was typed

const Refresh = {
    seconds: Number(words.refresh || 0),
    paused: false,
    busy: false,
    timer: 0,

    start() {
        if (!this.seconds) return;
        this.button = document.getElementById("live");
        this.button.hidden = false;
        this.button.addEventListener("click", () => this.toggle());
        document.addEventListener("visibilitychange", () => { if (!document.hidden) this.now(); });
        this.plan();
    },

    plan() {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.now(), this.seconds * 1000);
    },

    toggle() {
        this.paused = !this.paused;
        this.button.setAttribute("aria-pressed", String(this.paused));
        this.label();
        if (!this.paused) this.now();
    },

    label(isLost) {
        this.button.classList.toggle("lost", Boolean(isLost));
        this.button.textContent = isLost ? words.lost : this.paused ? words.pausedText : words.liveText;
    },

    async now(isAsked) {
        if (this.busy) return;
        if (!isAsked && (this.paused || document.hidden || openDialog())) return this.plan();
        this.busy = true;
        try {
            const answer = await fetch(location.href, { headers: { "X-Refresh": "1" }, cache: "no-store" });
            if (answer.status === 401) return location.reload();
            const page = new DOMParser().parseFromString(await answer.text(), "text/html");
            const fresh = page.getElementById("main");
            if (!fresh) throw new Error("no page");
            morph(document.getElementById("main"), fresh);
            const nav = page.getElementById("nav");
            if (nav) morph(document.getElementById("nav"), nav);
            this.label(answer.status >= 500);
            body.dataset.refreshed = String(Number(body.dataset.refreshed || 0) + 1);
            afterChange();
        } catch {
            this.label(true);
        } finally {
            this.busy = false;
            this.plan();
        }
    },
};

/// Makes one element like another one, touching only what differs; so focus, selection and scrolling stay.
function morph(from, to) {
    if (from.nodeType === Node.TEXT_NODE || from.nodeType === Node.COMMENT_NODE) {
        if (from.data !== to.data) from.data = to.data;
        return;
    }
    if (from.hasAttribute("data-keep") && idOf(from) === idOf(to)) return;
    for (const { name, value } of to.attributes) {
        if (name === "title" && from.tagName === "TIME") continue;
        if (from.getAttribute(name) !== value) from.setAttribute(name, value);
    }
    for (const { name } of [...from.attributes]) {
        const isOurs = name === "open" || (name === "title" && from.tagName === "TIME");
        if (!isOurs && !to.hasAttribute(name)) from.removeAttribute(name);
    }
    morphChildren(from, to);
}

function morphChildren(from, to) {
    const keyed = new Map();
    for (const child of from.children) if (idOf(child)) keyed.set(idOf(child), child);
    let place = from.firstChild;
    for (const wanted of [...to.childNodes]) {
        const id = idOf(wanted);
        let match = id ? keyed.get(id) : place;
        if (!id && place && idOf(place)) match = null;
        if (match && match.nodeName === wanted.nodeName) {
            if (match === place) place = place.nextSibling;
            else from.insertBefore(match, place);
            morph(match, wanted);
        } else {
            from.insertBefore(document.importNode(wanted, true), place);
        }
    }
    while (place) {
        const next = place.nextSibling;
        place.remove();
        place = next;
    }
}

function afterChange() {
    localTimes(document.getElementById("main"));
    Picks.update();
    Follow.update();
}

// MARK: Following running tasks

const Follow = {
    source: null,
    ids: "",

    update() {
        const ids = [...document.querySelectorAll("[data-follow]")].map((bar) => bar.dataset.follow).slice(0, 50);
        const key = ids.join("\n");
        if (key === this.ids) return;
        this.ids = key;
        if (this.source) this.source.close();
        this.source = null;
        if (!ids.length || !window.EventSource) return;
        const query = ids.map((id) => "id=" + encodeURIComponent(id)).join("&");
        this.source = new EventSource(`${words.home}/live?${query}`);
        this.source.addEventListener("progress", (event) => this.show(JSON.parse(event.data)));
        this.source.addEventListener("end", () => {
            // The page has more to say about a task that ended than its bar.
            Refresh.now(true);
        });
    },

    show(news) {
        for (const box of document.querySelectorAll("[data-follow]")) {
            if (box.dataset.follow !== news.id) continue;
            const bar = box.querySelector("progress");
            bar.max = news.total;
            bar.value = news.current;
            box.querySelector(".percent").textContent = news.percent;
            const text = box.querySelector(".text");
            if (text) text.textContent = news.status;
        }
    },
};

// MARK: Asking before harm

/// A form whose answer is a question shows the question in a dialog; without script it is a page.
async function ask(form, submitter) {
    const data = new URLSearchParams(new FormData(form, submitter));
    const answer = await fetch(submitter?.formAction && submitter.hasAttribute("formaction") ? submitter.formAction : form.action, {
        method: "POST",
        body: data,
        headers: { "X-Question": "1" },
        redirect: "manual",
    });
    if (answer.type === "opaqueredirect" || answer.status === 401) return location.reload();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const question = page.querySelector(".confirm");
    const dialog = document.getElementById("question");
    if (!question) {
        const problem = page.querySelector(".notice, .empty");
        dialog.replaceChildren(document.importNode(problem || page.body, true));
    } else {
        dialog.replaceChildren(document.importNode(question, true));
    }
    for (const no of dialog.querySelectorAll("[data-no]")) {
        no.addEventListener("click", (event) => {
            event.preventDefault();
            dialog.close();
        });
    }
    dialog.showModal();
    (dialog.querySelector("input[type=text]") || dialog.querySelector("[data-no]") || dialog).focus();
    const typed = dialog.querySelector("[data-typed]");
    if (typed) {
        const yes = dialog.querySelector("button[type=submit]");
        const check = () => { yes.disabled = typed.value !== typed.dataset.typed; };
        typed.addEventListener("input", check);
        check();
    }
    dialog.addEventListener("close", () => (submitter || form).focus?.(), { once: true });
}

document.addEventListener("submit", (event) => {
    const submitter = event.submitter;
    const asks = submitter?.dataset.asks ?? event.target.dataset.asks;
    if (asks === undefined) return;
    event.preventDefault();
    ask(event.target, submitter).catch(() => event.target.submit());
});

// MARK: Picking rows

const Picks = {
    update() {
        for (const form of document.querySelectorAll("form[data-picks]")) {
            const boxes = [...document.querySelectorAll(`input[name=id][form="${idOf(form)}"]`)];
            const count = boxes.filter((box) => box.checked).length;
            for (const button of form.querySelectorAll("button")) button.disabled = count === 0;
            const text = form.querySelector(".picked");
            if (text) text.textContent = count ? form.dataset.picks.replace("{n}", String(count)) : "";
            const all = document.querySelector(`input[data-all="${idOf(form)}"]`);
            if (all) {
                all.checked = count > 0 && count === boxes.length;
                all.indeterminate = count > 0 && count < boxes.length;
            }
        }
    },
};

document.addEventListener("change", (event) => {
    const target = event.target;
    if (target.dataset.all) {
        for (const box of document.querySelectorAll(`input[name=id][form="${target.dataset.all}"]`)) {
            box.checked = target.checked;
        }
    }
    if (target.type === "checkbox") Picks.update();
    if (target.matches("form[data-auto] select, form[data-auto] input[type=datetime-local]")) target.form.requestSubmit();
});

// Empty fields of a filter have no place in its address.
document.addEventListener("formdata", (event) => {
    if (!event.target.matches("form[data-auto]")) return;
    for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
});

// MARK: Clicks

document.addEventListener("click", async (event) => {
    const copy = event.target.closest("[data-copy]");
    if (copy) {
        try {
            await navigator.clipboard.writeText(copy.dataset.copy);
            say(words.copied);
            const before = copy.textContent;
            copy.textContent = words.copied;
            setTimeout(() => { copy.textContent = before; }, 1500);
        } catch {
            say("");
        }
        return;
    }
    if (event.target.closest("[data-theme-switch]")) {
        const root = document.documentElement;
        const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
        root.dataset.theme = isDark ? "light" : "dark";
        event.preventDefault();
        fetch(`${words.home}/preferences?theme=${root.dataset.theme}`, { method: "GET", redirect: "manual" });
        return;
    }
    if (event.target.closest("[data-help]")) help();
    if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
});

function help() {
    const dialog = document.getElementById("help");
    if (dialog && !dialog.open) dialog.showModal();
}

// MARK: Keys

let awaitsPlace = false;

document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || openDialog()) return;
    const key = event.key;
    if (awaitsPlace) {
        awaitsPlace = false;
        const link = document.querySelector(`#nav a[data-key="${CSS.escape(key)}"]`);
        if (link) {
            event.preventDefault();
            link.click();
        }
        return;
    }
    switch (key) {
    case "g":
        awaitsPlace = true;
        setTimeout(() => { awaitsPlace = false; }, 1200);
        break;
    case "?": help(); break;
    case "/": {
        const field = document.querySelector("main input[type=search]");
        if (field) {
            event.preventDefault();
            field.focus();
            field.select();
        } else if (words.tasks) {
            event.preventDefault();
            location.assign(`${words.tasks}#search`);
        }
        break;
    }
    case "r": Refresh.now(true); break;
    case "p": if (Refresh.button) Refresh.toggle(); break;
    case "j": case "k": step(key === "j" ? 1 : -1); break;
    case "x": {
        const box = document.activeElement?.closest("tr")?.querySelector("input[type=checkbox]");
        if (box) box.click();
        break;
    }
    default: return;
    }
});

/// Goes a row on, or back, by its first link.
function step(by) {
    const links = [...document.querySelectorAll("main tbody tr")].map((row) => row.querySelector("a[href]")).filter(Boolean);
    if (!links.length) return;
    const row = document.activeElement?.closest?.("tr");
    const at = links.findIndex((link) => link.closest("tr") === row);
    const next = links[Math.max(0, Math.min(links.length - 1, at < 0 ? 0 : at + by))];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
}

// MARK: Start

document.documentElement.classList.add("scripted");
localTimes(document);
Picks.update();
Refresh.start();
Follow.update();
document.querySelector("#nav a[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
if (location.hash === "#search") document.querySelector("main input[type=search]")?.focus();
