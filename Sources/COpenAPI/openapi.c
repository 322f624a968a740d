#include "COpenAPI.h"

// Clang has it in every standard of C, and warns below C23.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char document[] = {
#embed "openapi.json"
};

const unsigned char *celeriac_openapi(void) { return document; }

size_t celeriac_openapi_length(void) { return sizeof document; }
