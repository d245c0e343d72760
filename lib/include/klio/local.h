#pragma once

#include <klio/export.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

/// \file
/// The local gateway (library klio::local): our own stand-in for the service, on loopback, for
/// pipelines' tests, previews and first steps. It does not generate: its frames are made from the
/// references and marked as previews, unmissably.

namespace klio {

struct LocalGatewayOptions {
    int port = 0; ///< 0: a free one
    std::map<std::string, long>
        keys;           ///< bearer key -> credits; empty: any key, credits without end
    double latency = 2; ///< seconds from a create to its task being done
    /// "KIND", "KIND:0.1" (probability), "KIND:3" (the third time), "KIND:2-4", "KIND:3-"; kinds
    /// of the exchange itself also "KIND@poll", "KIND@download". See local_faults().
    std::vector<std::string> faults;
    uint64_t seed = 1;        ///< of the faults
    double fault_seconds = 2; ///< how long slow answers take, and "hang" holds a connection
    long credits = -1;        ///< of each key where `keys` is empty; negative: without end
    /// Answer a repeated Idempotency-Key with the first task instead of a second one. The service
    /// documents no such thing, so klio must be right without it.
    bool honour_idempotency = false;
    /// Tasks, charges and result images are kept here, so that a gateway started again still knows
    /// them; empty: in memory.
    std::string state_folder;
    /// One line for each request and credit taken; called from the server's threads.
    std::function<void(const std::string&)> on_log;
};

/// What the gateway charged, as its own ledger has it: the judge of klio's tests.
struct LocalCharge {
    std::string task_id;
    std::string idempotency_key; ///< as the client sent it
    std::string request_hash;    ///< SHA-256 of the create's body
    int credits = 0;
};

/// A real HTTP server on 127.0.0.1, honouring the service's contract: POST
/// /api/v1/images/generations, GET /api/v1/tasks/ID, result images at URLs that nobody can guess,
/// and for tests GET /healthz and GET /ledger (JSON: creates, tasks, charges). A task that
/// succeeds is charged 6 or 16 credits, whatever its number of images. Several gateways may share
/// one state folder, in one process or in many. Thread-safe.
class KLIO_API LocalGateway {
public:
    /// Starts it. Throws NetworkError where the port is taken, UsageError for an unknown fault.
    explicit LocalGateway(const LocalGatewayOptions& options);
    ~LocalGateway(); ///< stops it
    LocalGateway(const LocalGateway&) = delete;
    LocalGateway& operator=(const LocalGateway&) = delete;

    int port() const;
    std::string endpoint() const; ///< "http://127.0.0.1:PORT"
    std::vector<LocalCharge> charges() const;
    uint64_t creates() const; ///< create requests that arrived, whatever became of them
    void stop();

private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

/// The preview frames for a request as whole PNG files, without any server: what the gateway gives
/// and what the plugin shows with on_miss=preview. `references` are JPEG or PNG bytes.
/// Deterministic.
KLIO_API std::vector<std::string> preview_frames(const std::string& request_body,
                                                 const std::vector<std::string>& references);

/// The fault kinds with one line of meaning each, from the wire up to the pixels.
KLIO_API const std::vector<std::pair<std::string, std::string>>& local_faults();

} // namespace klio
