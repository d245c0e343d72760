#include "local/renderer.h"

#include "base/sha256.h"
#include "local/fault.h"
#include "local/preview.h"

#include <klio/error.h>

#include <chrono>

namespace klio::local {

namespace {

constexpr size_t room = 256u << 20; // bytes of finished images

PreviewOptions options_of(const Task& task)
{
    PreviewOptions options;
    options.extra = has_fate(task.fate, "too-few") ? -1 : has_fate(task.fate, "too-many") ? 1 : 0;
    if (has_fate(task.fate, "jpeg"))
        options.format = "jpeg";
    return options;
}

// Of everything that decides the images; URLs of references don't, their content does.
std::string identity(const Task& task)
{
    const PreviewOptions options = options_of(task);
    base::Json all = task.body;
    all["images"] = task.references;
    return base::sha256_hex(base::to_text(all) + options.format + std::to_string(options.extra));
}

bool finished(const std::shared_future<Images>& images)
{
    return images.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

} // namespace

Renderer::~Renderer()
{
    stop();
    for (const auto& [id, images] : m_images)
        images.wait();
}

std::shared_future<Images> Renderer::images(const Task& task)
{
    const std::string id = identity(task);
    std::lock_guard<std::mutex> lock(m_mutex);
    const auto known = m_images.find(id);
    if (known != m_images.end())
        return known->second;
    m_stop.check("rendering");
    keep_some();
    std::shared_future<Images> images
        = std::async(std::launch::async, [this, task] { return render(task); }).share();
    m_images.emplace(id, images);
    m_order.push_back(id);
    return images;
}

// Lets go of the oldest finished images until the rest fits.
void Renderer::keep_some()
{
    size_t held = 0;
    for (const auto& [id, images] : m_images)
        if (finished(images))
            for (const std::string& bytes : images.get())
                held += bytes.size();
    for (size_t i = 0; held > room && i < m_order.size();) {
        const auto oldest = m_images.find(m_order[i]);
        if (!finished(oldest->second)) {
            ++i;
            continue;
        }
        for (const std::string& bytes : oldest->second.get())
            held -= bytes.size();
        m_images.erase(oldest);
        m_order.erase(m_order.begin() + std::ptrdiff_t(i));
    }
}

Images Renderer::render(const Task& task) const
{
    std::lock_guard<std::mutex> turn(m_turn);
    m_stop.check("rendering");
    Images references;
    for (const std::string& id : task.references)
        references.push_back(m_book.reference(id));
    PreviewOptions options = options_of(task);
    options.stop = m_stop;
    try {
        return render_preview(base::to_text(task.body), references, options);
    } catch (const CancelledError&) {
        throw;
    } catch (const Error&) {
        return {};
    }
}

} // namespace klio::local
