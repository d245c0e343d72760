#pragma once

/// Marks what leaves the library; everything else is hidden.
#define KLIO_API __attribute__((visibility("default")))
