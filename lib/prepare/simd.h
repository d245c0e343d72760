#pragma once

#include <cstring>

/// \file
/// Four floats at once, in a form that GCC and Clang compile for any processor.

namespace klio::prep {

typedef float Float4 __attribute__((vector_size(16)));
typedef int Int4 __attribute__((vector_size(16)));

typedef float Float8 __attribute__((vector_size(32)));

inline Float4 load4(const float* p)
{
    Float4 v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

inline void store4(float* p, Float4 v)
{
    std::memcpy(p, &v, sizeof v);
}

inline Float4 select(Int4 mask, Float4 a, Float4 b)
{
    return Float4((mask & Int4(a)) | (~mask & Int4(b)));
}

inline Float4 min4(Float4 a, Float4 b)
{
    return select(a < b, a, b);
}

inline Float4 max4(Float4 a, Float4 b)
{
    return select(a > b, a, b);
}

// Fused multiply-add is left out: the bytes of a job key must not depend on the processor.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__linux__)          \
    && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define KLIO_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define KLIO_CLONES
#endif

} // namespace klio::prep
