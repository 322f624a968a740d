#pragma once
#include <cairo/cairo.h>
#include <cairo/cairo-pdf.h>
#include <dlfcn.h>
#include <fontconfig/fontconfig.h>
#include <pango/pangocairo.h>

// Every process of the program would load these libraries, with the thirty that they bring, at its start if they were
// linked; hardly any of them ever draws. So they are loaded by the first that does, and called through a table, whose
// types come from the libraries' own headers.
#define CELERIAC_DRAWING_FUNCTIONS(F) \
    F(cairo_arc) \
    F(cairo_close_path) \
    F(cairo_create) \
    F(cairo_destroy) \
    F(cairo_fill) \
    F(cairo_font_options_create) \
    F(cairo_font_options_destroy) \
    F(cairo_font_options_set_hint_metrics) \
    F(cairo_font_options_set_hint_style) \
    F(cairo_image_surface_create_from_png) \
    F(cairo_image_surface_get_height) \
    F(cairo_image_surface_get_width) \
    F(cairo_line_to) \
    F(cairo_move_to) \
    F(cairo_new_sub_path) \
    F(cairo_paint) \
    F(cairo_pdf_surface_create_for_stream) \
    F(cairo_pdf_surface_set_metadata) \
    F(cairo_rectangle) \
    F(cairo_restore) \
    F(cairo_save) \
    F(cairo_scale) \
    F(cairo_set_line_width) \
    F(cairo_set_source_rgb) \
    F(cairo_set_source_surface) \
    F(cairo_show_page) \
    F(cairo_status) \
    F(cairo_status_to_string) \
    F(cairo_stroke) \
    F(cairo_surface_destroy) \
    F(cairo_surface_finish) \
    F(cairo_surface_status) \
    F(cairo_translate) \
    F(pango_cairo_context_set_font_options) \
    F(pango_cairo_context_set_resolution) \
    F(pango_cairo_font_map_new) \
    F(pango_cairo_show_layout_line) \
    F(pango_context_set_language) \
    F(pango_context_set_round_glyph_positions) \
    F(pango_font_description_free) \
    F(pango_font_description_new) \
    F(pango_font_description_set_absolute_size) \
    F(pango_font_description_set_family) \
    F(pango_font_description_set_weight) \
    F(pango_font_map_create_context) \
    F(pango_language_from_string) \
    F(pango_layout_get_line_count) \
    F(pango_layout_get_line_readonly) \
    F(pango_layout_get_size) \
    F(pango_layout_line_get_extents) \
    F(pango_layout_new) \
    F(pango_layout_set_ellipsize) \
    F(pango_layout_set_font_description) \
    F(pango_layout_set_height) \
    F(pango_layout_set_text) \
    F(pango_layout_set_width) \
    F(pango_layout_set_wrap) \
    F(g_object_unref) \
    F(FcCharSetHasChar) \
    F(FcConfigAppFontAddFile) \
    F(FcConfigSubstitute) \
    F(FcDefaultSubstitute) \
    F(FcFontMatch) \
    F(FcInit) \
    F(FcPatternAddString) \
    F(FcPatternCreate) \
    F(FcPatternDestroy) \
    F(FcPatternGetCharSet) \
    F(FcPatternGetString)

/// The functions of cairo, Pango, GObject and fontconfig that are used.
struct celeriac_drawing {
#define CELERIAC_DRAWING_FIELD(name) __typeof__(name) *_Nonnull name;
    CELERIAC_DRAWING_FUNCTIONS(CELERIAC_DRAWING_FIELD)
#undef CELERIAC_DRAWING_FIELD
};

/// Loads the libraries and fills the table. Returns NULL, or what went wrong; the table must not be used then.
static inline const char *_Nullable celeriac_load_drawing(struct celeriac_drawing *_Nonnull table) {
    // It depends on all the others, so their functions are found through it too.
    void *library = dlopen("libpangocairo-1.0.so.0", RTLD_LAZY | RTLD_LOCAL);
    if (!library) return dlerror();
#define CELERIAC_DRAWING_LOAD(name) \
    table->name = (__typeof__(name) *)dlsym(library, #name); \
    if (!table->name) return dlerror();
    CELERIAC_DRAWING_FUNCTIONS(CELERIAC_DRAWING_LOAD)
#undef CELERIAC_DRAWING_LOAD
    return 0;
}
