#include <klio/local_session.h>

#include "base/file.h"

#include <csignal>

namespace klio {

namespace {

// cpp-httplib ignores SIGPIPE for the whole process when a server is made. This process is a
// host's, and the gateway's own sockets raise none.
class KeepSigpipe {
public:
    KeepSigpipe() { ::sigaction(SIGPIPE, nullptr, &m_before); }
    ~KeepSigpipe() { ::sigaction(SIGPIPE, &m_before, nullptr); }
    KeepSigpipe(const KeepSigpipe&) = delete;
    KeepSigpipe& operator=(const KeepSigpipe&) = delete;

private:
    struct sigaction m_before { };
};

} // namespace

std::unique_ptr<LocalGateway> start_local_gateway(const Settings& settings,
                                                  GenerateOptions& options)
{
    LocalGatewayOptions gateway;
    gateway.state_folder = base::join_path(settings.data_folder(), "local");
    gateway.latency = 0.5;
    const KeepSigpipe keep;
    auto server = std::make_unique<LocalGateway>(gateway);
    options.endpoint = server->endpoint();
    options.endpoint_identity = local_endpoint;
    options.key = "local-gateway";
    if (options.stage.empty())
        options.stage = "inline";
    return server;
}

bool names_local_gateway(const Settings& settings, const GenerateOptions& options)
{
    return (options.endpoint.empty() ? settings.get("endpoint") : options.endpoint)
        == local_endpoint;
}

} // namespace klio
