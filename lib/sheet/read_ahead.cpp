#include "sheet/read_ahead.h"

#include <algorithm>
#include <exception>

namespace klio::sheet {

ReadAhead::ReadAhead(size_t count, int threads, size_t ahead, Load load)
    : m_slots(std::max<size_t>(ahead, 1)), m_ready(m_slots.size()), m_count(count),
      m_load(std::move(load))
{
    for (int i = 0; i < threads && size_t(i) < count; ++i)
        m_threads.emplace_back([this] { work(); });
}

ReadAhead::~ReadAhead()
{
    {
        const std::lock_guard<std::mutex> lock(m_mutex);
        m_stop = true;
    }
    m_changed.notify_all();
    for (std::thread& thread : m_threads)
        thread.join();
}

void ReadAhead::work()
{
    std::unique_lock<std::mutex> lock(m_mutex);
    for (;;) {
        m_changed.wait(lock, [this] {
            return m_stop || m_next >= m_count || m_next < m_taken + m_slots.size();
        });
        if (m_stop || m_next >= m_count)
            return;
        const size_t number = m_next++;
        lock.unlock();
        LoadedPicture loaded;
        try {
            loaded = m_load(number);
        } catch (const std::exception& error) {
            loaded.problem = error.what();
        }
        lock.lock();
        m_slots[number % m_slots.size()] = std::move(loaded);
        m_ready[number % m_slots.size()] = true;
        m_changed.notify_all();
    }
}

LoadedPicture ReadAhead::take()
{
    std::unique_lock<std::mutex> lock(m_mutex);
    const size_t slot = m_taken % m_slots.size();
    m_changed.wait(lock, [&] { return m_ready[slot]; });
    LoadedPicture loaded = std::move(m_slots[slot]);
    m_slots[slot] = {};
    m_ready[slot] = false;
    ++m_taken;
    m_changed.notify_all();
    return loaded;
}

} // namespace klio::sheet
