#include <klio/staging.h>

#include "staging/keeper.h"
#include "store/store.h"

namespace klio {

namespace {

transport::TransportOptions transport_options(const Settings& settings)
{
    transport::TransportOptions options;
    options.cacert = settings.get("cacert");
    return options;
}

} // namespace

std::vector<StagedObject> list_staged(const Settings& settings)
{
    store::Store store(settings.data_folder());
    transport::Transport transport(transport_options(settings));
    return staging::Keeper(store, transport).list();
}

CleanResult clean_staged(const Settings& settings, bool all, const CancelToken& cancel)
{
    store::Store store(settings.data_folder());
    transport::Transport transport(transport_options(settings));
    return staging::Keeper(store, transport).sweep(all, cancel);
}

} // namespace klio
