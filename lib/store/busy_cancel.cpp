#include "store/busy_cancel.h"

#include <utility>

namespace klio::store {

namespace {

thread_local const CancelToken* current = nullptr;

} // namespace

BusyCancel::BusyCancel(CancelToken cancel)
    : m_cancel(std::move(cancel)), m_before(std::exchange(current, &m_cancel))
{
}

BusyCancel::~BusyCancel()
{
    current = m_before;
}

void BusyCancel::lift() noexcept
{
    current = nullptr;
}

const CancelToken* BusyCancel::token() noexcept
{
    return current;
}

} // namespace klio::store
