#pragma once
#include <zlib.h>
#include <bzlib.h>
#include <zstd.h>
#include <zstd_errors.h>
#include <lzma.h>
#include <brotli/decode.h>
#include <brotli/encode.h>
