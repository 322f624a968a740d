#ifndef CELERIAC_COPENAPI_H
#define CELERIAC_COPENAPI_H

#include <stddef.h>

// The gateway's OpenAPI document, a quarter of a megabyte: as an array literal it costs Swift's compiler a hundred
// seconds at every change of the target it stands in, while C embeds the file as it is.

/// The document's UTF-8 text, which lives as long as the program; no zero ends it.
const unsigned char *celeriac_openapi(void);

/// The text's length in bytes.
size_t celeriac_openapi_length(void);

#endif
