#include "klio.h"

#include <klio/error.h>
#include <klio/frame.h>
#include <klio/local_session.h>
#include <klio/recipe.h>
#include <klio/recipe_options.h>
#include <klio/session.h>

#include <memory>
#include <new>
#include <optional>
#include <string>

struct klio_session {
    klio::Settings settings;
    klio::Session session {settings};
};

struct klio_set {
    klio::StoredSet set;
    klio::FrameOptions frame; ///< what the recipe says of its frames
};

namespace {

thread_local klio_error last_code = KLIO_OK;
thread_local std::string last_message;

void fail(klio_error code, const char* message) noexcept
{
    last_code = code;
    try {
        last_message = message;
    } catch (...) { // out of memory: the code alone must do
        last_message.clear();
    }
}

// Runs `work` and maps whatever it throws to this thread's error.
template <class Result, class Work> Result guarded(Result on_error, Work work) noexcept
{
    last_code = KLIO_OK;
    last_message.clear();
    try {
        return work();
    } catch (const klio::Error& error) {
        fail(static_cast<klio_error>(error.exit_code()), error.what());
    } catch (const std::bad_alloc&) {
        fail(KLIO_ERROR_INTERNAL, "out of memory");
    } catch (const std::exception& error) {
        fail(KLIO_ERROR_INTERNAL, error.what());
    } catch (...) {
        fail(KLIO_ERROR_INTERNAL, "an unknown exception");
    }
    return on_error;
}

template <class Work> klio_error guarded_code(Work work) noexcept
{
    guarded(0, [&] {
        work();
        return 0;
    });
    return last_code;
}

void need(const void* pointer, const char* what)
{
    if (!pointer)
        throw klio::UsageError(std::string(what) + " is NULL");
}

struct Opened {
    klio::Recipe recipe;
    klio::GenerateOptions options;
    klio::FrameOptions frame;
};

Opened open_recipe(const klio_session* session, const char* path)
{
    need(session, "the session");
    need(path, "the recipe's path");
    Opened opened;
    opened.recipe = klio::read_recipe(path);
    klio::apply_options(opened.recipe.options, opened.options, opened.frame);
    return opened;
}

void check_frame(const klio_set* set, int frame)
{
    need(set, "the set");
    const int count = static_cast<int>(set->set.frames.size());
    if (frame < 1 || frame > count)
        throw klio::UsageError("frame " + std::to_string(frame) + ": the set has 1 to "
                               + std::to_string(count));
}

klio::FrameOptions frame_options(const klio_set* set, const char* to)
{
    klio::FrameOptions options = set->frame;
    if (to)
        options.to = to;
    return options;
}

} // namespace

const char* klio_version(void)
{
    return klio::version();
}

klio_error klio_error_code(void)
{
    return last_code;
}

const char* klio_error_message(void)
{
    return last_message.c_str();
}

klio_session* klio_session_create(void)
{
    return guarded<klio_session*>(nullptr, [] { return new klio_session; });
}

void klio_session_release(klio_session* session)
{
    delete session;
}

klio_set* klio_generate(klio_session* session, const char* recipe_path, klio_progress progress,
                        void* user)
{
    return guarded<klio_set*>(nullptr, [&] {
        Opened opened = open_recipe(session, recipe_path);
        if (progress)
            opened.options.progress = [progress, user](const klio::Progress& step) {
                return progress(step.step.c_str(), step.message.c_str(), step.done, step.total,
                                user)
                    != 0;
            };
        std::unique_ptr<klio::LocalGateway> gateway;
        if (klio::names_local_gateway(session->settings, opened.options))
            gateway = klio::start_local_gateway(session->settings, opened.options);
        return new klio_set {session->session.generate(opened.recipe.request, opened.options),
                             opened.frame};
    });
}

klio_set* klio_find(klio_session* session, const char* recipe_path)
{
    return guarded<klio_set*>(nullptr, [&] {
        const Opened opened = open_recipe(session, recipe_path);
        const std::optional<klio::StoredSet> found
            = session->session.find(opened.recipe.request, opened.options);
        if (!found || found->state != klio::JobState::succeeded)
            throw klio::NotStoredError(std::string(recipe_path)
                                       + ": the store has no frames for it ("
                                       + klio::price(opened.recipe.request).text()
                                       + "); run: klio generate " + recipe_path);
        return new klio_set {*found, opened.frame};
    });
}

void klio_set_release(klio_set* set)
{
    delete set;
}

const char* klio_set_job(const klio_set* set)
{
    return guarded("", [&] {
        need(set, "the set");
        return set->set.job.c_str();
    });
}

int klio_set_frame_count(const klio_set* set)
{
    return guarded(0, [&] {
        need(set, "the set");
        return static_cast<int>(set->set.frames.size());
    });
}

klio_error klio_set_frame_size(const klio_set* set, int frame, int* width, int* height,
                               int* channels)
{
    return guarded_code([&] {
        check_frame(set, frame);
        const OIIO::ImageSpec spec = klio::frame_spec(set->set, frame, set->frame);
        if (width)
            *width = spec.width;
        if (height)
            *height = spec.height;
        if (channels)
            *channels = spec.nchannels;
    });
}

klio_error klio_set_read_frame(const klio_set* set, int frame, const char* to, float* pixels,
                               size_t capacity)
{
    return guarded_code([&] {
        check_frame(set, frame);
        need(pixels, "the pixels");
        const OIIO::ImageSpec spec = klio::frame_spec(set->set, frame, frame_options(set, to));
        const size_t needed = size_t(spec.width) * size_t(spec.height) * size_t(spec.nchannels);
        if (capacity < needed)
            throw klio::UsageError("room for " + std::to_string(capacity) + " floats, "
                                   + std::to_string(needed) + " are needed");
        const klio::Frame loaded = klio::load_frame(set->set, frame, frame_options(set, to));
        if (!loaded.image.get_pixels(loaded.image.roi(), OIIO::TypeDesc::FLOAT, pixels))
            throw klio::DamagedError(loaded.image.geterror());
    });
}

klio_error klio_set_write_frame(const klio_set* set, int frame, const char* to, const char* path)
{
    return guarded_code([&] {
        check_frame(set, frame);
        need(path, "the path");
        const klio::FrameOptions options = frame_options(set, to);
        klio::write_frame(klio::load_frame(set->set, frame, options), path, options);
    });
}
