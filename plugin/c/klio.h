#ifndef KLIO_C_H
#define KLIO_C_H

/* klio's C interface: the main job for programs that are not C++.
 *
 *     klio_session* session = klio_session_create();
 *     klio_set* set = session ? klio_generate(session, "shot.kling", NULL, NULL) : NULL;
 *     if (!set)
 *         fprintf(stderr, "%s\n", klio_error_message());
 *     else
 *         klio_set_write_frame(set, 1, NULL, "frame.exr");
 *     klio_set_release(set);
 *     klio_session_release(session);
 *
 * Every function may be called from any thread; a handle must not be released while another thread
 * uses it. No exception leaves. Text is UTF-8. Releasing NULL does nothing; using NULL is a usage
 * error. */

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KLIO_C_API __attribute__((visibility("default")))

/* ---- library ---- */

/* "0.1.0"; static storage. */
KLIO_C_API const char* klio_version(void);

/* The same kinds, by the same numbers, as the command's exit codes. */
typedef enum klio_error {
    KLIO_OK = 0,
    KLIO_ERROR_INTERNAL = 1,
    KLIO_ERROR_USAGE = 2,
    KLIO_ERROR_REFERENCE = 3,
    KLIO_ERROR_KEY = 4,
    KLIO_ERROR_CREDITS = 5,
    KLIO_ERROR_REFUSAL = 6,
    KLIO_ERROR_NETWORK = 7,
    KLIO_ERROR_UNKNOWN = 8,
    KLIO_ERROR_TIMEOUT = 9,
    KLIO_ERROR_RATE = 10,
    KLIO_ERROR_BAD_REQUEST = 11,
    KLIO_ERROR_FAILED = 12,
    KLIO_ERROR_DAMAGED = 13,
    KLIO_ERROR_OUTPUT = 14,
    KLIO_ERROR_STORE = 15,
    KLIO_ERROR_STAGING = 16,
    KLIO_ERROR_COLOR = 17,
    KLIO_ERROR_NOT_STORED = 18,
    KLIO_ERROR_CANCELLED = 130
} klio_error;

/* The error of this thread's last call; KLIO_OK where it succeeded. */
KLIO_C_API klio_error klio_error_code(void);
/* One line, secrets masked; "" where the last call succeeded. Valid until this thread's next call.
 */
KLIO_C_API const char* klio_error_message(void);

/* ---- session ---- */

typedef struct klio_session klio_session;

/* Opens the data folder that the environment and the configuration file name. NULL on error. */
KLIO_C_API klio_session* klio_session_create(void);
KLIO_C_API void klio_session_release(klio_session* session);

/* ---- sets ---- */

typedef struct klio_set klio_set;

/* One step of a job: return 0 to cancel. Called from the calling thread; at least four times a
 * second while it waits for the network, with the same words where nothing is new. */
typedef int (*klio_progress)(const char* step, const char* message, double done, double total,
                             void* user);

/* The frames of a recipe file: from the store, free, or bought. `progress` may be NULL. NULL on
 * error; what was paid for is kept, and collected by the next call. */
KLIO_C_API klio_set* klio_generate(klio_session* session, const char* recipe_path,
                                   klio_progress progress, void* user);
/* What the store has; never sends anything. NULL with KLIO_ERROR_NOT_STORED where it has none. */
KLIO_C_API klio_set* klio_find(klio_session* session, const char* recipe_path);
KLIO_C_API void klio_set_release(klio_set* set);

/* The job's key, 64 hexadecimal digits; valid as long as the set. "" on error. */
KLIO_C_API const char* klio_set_job(const klio_set* set);
/* 0 on error. */
KLIO_C_API int klio_set_frame_count(const klio_set* set);

/* ---- frames, counted from 1 ---- */

/* Size in pixels and channels (3 or 4), as klio_set_read_frame() gives them; nothing is decoded. */
KLIO_C_API klio_error klio_set_frame_size(const klio_set* set, int frame, int* width, int* height,
                                          int* channels);
/* Interleaved float rows, top row first, in the colour space `to` (NULL: the recipe's, else the
 * first reference's own, else scene-linear). `capacity` counts floats; KLIO_ERROR_USAGE where it is
 * less than width * height * channels. */
KLIO_C_API klio_error klio_set_read_frame(const klio_set* set, int frame, const char* to,
                                          float* pixels, size_t capacity);
/* Writes a frame with its provenance in any format that OpenImageIO writes; atomically, over what
 * is there. */
KLIO_C_API klio_error klio_set_write_frame(const klio_set* set, int frame, const char* to,
                                           const char* path);

#ifdef __cplusplus
}
#endif

#endif
