/* Real C, so that the header stays C: lifetimes, invalid handles, and the main job against a store
 * that a run of the command filled. Usage: c_test FILLED_RECIPE EMPTY_RECIPE OUT.exr */

#include "klio.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition,                    \
                    klio_error_message());                                                         \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

int main(int argc, char** argv)
{
    klio_session* session;
    klio_set* set;
    int width = 0, height = 0, channels = 0;
    float* pixels;
    size_t count;

    if (argc != 4)
        return 2;
    CHECK(strlen(klio_version()) >= 5);
    klio_session_release(NULL);
    klio_set_release(NULL);
    CHECK(klio_generate(NULL, argv[1], NULL, NULL) == NULL);
    CHECK(klio_error_code() == KLIO_ERROR_USAGE && strlen(klio_error_message()) > 0);
    CHECK(klio_set_frame_count(NULL) == 0 && klio_error_code() == KLIO_ERROR_USAGE);
    CHECK(klio_set_read_frame(NULL, 1, NULL, NULL, 0) == KLIO_ERROR_USAGE);

    session = klio_session_create();
    CHECK(session != NULL && klio_error_code() == KLIO_OK);
    CHECK(klio_find(session, "/nonexistent.kling") == NULL);
    CHECK(klio_error_code() == KLIO_ERROR_REFERENCE);
    CHECK(klio_find(session, argv[2]) == NULL);
    CHECK(klio_error_code() == KLIO_ERROR_NOT_STORED);
    CHECK(strstr(klio_error_message(), "klio generate") != NULL);

    set = klio_find(session, argv[1]);
    CHECK(set != NULL);
    CHECK(strlen(klio_set_job(set)) == 64);
    CHECK(klio_set_frame_count(set) == 2);
    CHECK(klio_set_frame_size(set, 3, &width, &height, &channels) == KLIO_ERROR_USAGE);
    CHECK(klio_set_frame_size(set, 1, &width, &height, &channels) == KLIO_OK);
    CHECK(width == 1024 && height == 1024 && (channels == 3 || channels == 4));
    count = (size_t)width * (size_t)height * (size_t)channels;
    pixels = malloc(count * sizeof(float));
    CHECK(pixels != NULL);
    pixels[count - 1] = -1;
    CHECK(klio_set_read_frame(set, 1, NULL, pixels, count - 1) == KLIO_ERROR_USAGE);
    CHECK(klio_set_read_frame(set, 1, "no such space", pixels, count) == KLIO_ERROR_COLOR);
    CHECK(klio_set_read_frame(set, 2, "srgb", pixels, count) == KLIO_OK);
    CHECK(pixels[count - 1] >= 0 && pixels[count - 1] <= 1);
    free(pixels);
    CHECK(klio_set_write_frame(set, 1, NULL, argv[3]) == KLIO_OK);
    CHECK(klio_set_write_frame(set, 1, NULL, "/proc/nonexistent/frame.exr") == KLIO_ERROR_OUTPUT);
    klio_set_release(set);
    klio_session_release(session);
    puts("c_test passed");
    return 0;
}
