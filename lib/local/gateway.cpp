#include <klio/local.h>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "local/accounts.h"
#include "local/answer.h"
#include "local/book.h"
#include "local/check.h"
#include "local/damage.h"
#include "local/fault.h"
#include "local/links.h"
#include "local/reference.h"
#include "local/renderer.h"
#include "local/server.h"

#include <klio/error.h>
#include <klio/request.h>
#include <klio/settings.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <thread>

namespace klio {

using base::Json;
using base::OrderedJson;
using local::Task;

namespace {

constexpr size_t max_body = 200u << 20; // ten references of 10 MB in base64, and some
constexpr double url_seconds = 24 * 3600;
constexpr int late_looks = 2; // polls that "task-late" leaves without the task

double now()
{
    return base::system_clock().unix_time();
}

void answer(httplib::Response& response, int status, const std::string& body)
{
    response.status = status;
    response.set_content(body, "application/json");
}

void refuse(httplib::Response& response, int status, const std::string& message,
            const std::string& type)
{
    answer(response, status, local::error_body(status, message, type));
}

} // namespace

struct LocalGateway::Impl {
    LocalGatewayOptions options;
    local::Faults faults;
    local::Book book;
    local::Accounts accounts;
    local::Links links;
    local::Renderer renderer;
    local::Server server;
    std::mutex create_mutex; ///< a balance is looked at and used in one step
    std::mutex mutex;
    std::map<std::string, int> looks;      ///< polls of a task, for "task-late"
    std::map<std::string, int> urls_given; ///< answers with URLs, for "expired-url" and its like
    std::map<std::string, int> downloads;  ///< of an image, for "corrupt-once", "changed-file"
    std::multimap<double, std::string> running;
    std::condition_variable changed;
    bool stopping = false;
    std::thread watcher;

    explicit Impl(const LocalGatewayOptions& given)
        : options(given), faults(given.faults, given.seed), book(given.state_folder),
          accounts(given.keys, given.credits, book), links(book.secret()), renderer(book),
          server(faults, given.fault_seconds, [this](local::RequestKind kind) {
              if (kind == local::RequestKind::create)
                  book.count_create();
          })
    {
        options.keys.clear();
        set_routes();
        server.start(options.port);
        watcher = std::thread([this] { watch_tasks(); });
    }

    ~Impl() { stop(); }

    void stop()
    {
        // What waits for pictures gets none, and says nothing of it to anyone.
        server.hang_up();
        renderer.stop();
        server.stop();
        {
            std::lock_guard<std::mutex> lock(mutex);
            stopping = true;
        }
        changed.notify_all();
        if (watcher.joinable())
            watcher.join();
    }

    std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(server.port()); }

    void log(const std::string& line) const
    {
        if (options.on_log)
            options.on_log(base::mask(line));
    }

    // Says in the log when credits are taken: at the moment at which a task ends well.
    void watch_tasks()
    {
        std::unique_lock<std::mutex> lock(mutex);
        while (!stopping) {
            if (running.empty()) {
                changed.wait(lock);
                continue;
            }
            const double wait = running.begin()->first - now();
            if (wait > 0) {
                changed.wait_for(lock, std::chrono::duration<double>(std::min(wait, 3600.0)));
                continue;
            }
            const std::string id = running.begin()->second;
            running.erase(running.begin());
            Task task;
            if (!book.find(id, task))
                continue;
            lock.unlock();
            if (task.charged(now()))
                log("task " + id + " done: " + std::to_string(task.credits) + " credits taken ("
                    + accounts.describe(task.owner) + ")");
            else if (task.ended(now()))
                log("task " + id + " failed: nothing taken");
            lock.lock();
        }
    }

    bool authorize(const httplib::Request& request, httplib::Response& response,
                   std::string& owner) const
    {
        std::string problem;
        if (accounts.authorize(request.get_header_value("Authorization"), owner, problem))
            return true;
        refuse(response, 401, problem, "authentication_error");
        return false;
    }

    std::vector<local::AnswerImage> answer_images(const Task& task, const local::Images& images,
                                                  bool bytes)
    {
        const bool first = [&] {
            std::lock_guard<std::mutex> lock(mutex);
            return urls_given[task.id]++ == 0;
        }();
        const bool reordered = local::has_fate(task.fate, "reordered");
        const bool all_expired = local::has_fate(task.fate, "expired-for-good")
            || (first
                && (local::has_fate(task.fate, "expired-url")
                    || local::has_fate(task.fate, "expired-400")
                    || local::has_fate(task.fate, "expired-html")));
        std::vector<local::AnswerImage> list;
        for (size_t i = 0; i < images.size(); ++i) {
            local::AnswerImage image;
            const bool expired = all_expired || (first && reordered && i + 1 == images.size());
            image.url
                = endpoint() + links.make(task.id, int(i), now() + (expired ? -60 : url_seconds));
            if (bytes)
                image.bytes = local::spoilt_image(task.fate, images[i]);
            list.push_back(std::move(image));
        }
        if (reordered && !first)
            std::reverse(list.begin(), list.end());
        return list;
    }

    // The references' ids, in order; false with the answer set.
    bool take_references(const Json& body, httplib::Response& response,
                         std::vector<std::string>& ids)
    {
        const auto images = body.find("images");
        for (size_t i = 0; images != body.end() && i < images->size(); ++i) {
            std::string bytes;
            std::string problem;
            if (local::fetch_reference((*images)[i].get<std::string>(), bytes, problem))
                problem = local::check_reference(bytes);
            if (!problem.empty()) {
                refuse(response, 400, "images[" + std::to_string(i) + "] " + problem,
                       "invalid_request_error");
                return false;
            }
            ids.push_back(book.keep_reference(bytes));
        }
        return true;
    }

    // A create's faults that the service itself would word.
    static bool refused(const std::string& fault, httplib::Response& response)
    {
        if (fault == "credits-gone")
            refuse(response, 402, "insufficient credits: please recharge", "insufficient_credits");
        else if (fault == "credits-200")
            answer(response, 200,
                   base::to_text(
                       OrderedJson {{"code", 402}, {"message", "insufficient credits balance"}}));
        else if (fault == "refusal")
            refuse(response, 400, "the prompt violates the content policy",
                   "content_policy_violation");
        else
            return false;
        return true;
    }

    Task new_task(const Json& body, const httplib::Request& request, const std::string& owner) const
    {
        Task task;
        task.id = "local_" + base::random_hex(12);
        task.owner = owner;
        task.created = now();
        task.ready = task.created + options.latency;
        task.body = body;
        if (body.contains("images"))
            for (Json& image : task.body["images"])
                image = base::mask_url(image.get<std::string>());
        task.credits = local::body_credits(body);
        task.idempotency_key = request.get_header_value("Idempotency-Key");
        task.request_hash = base::sha256_hex(request.body);
        task.fate = local::Server::exchange().hits.fate;
        if (local::has_fate(task.fate, "refusal-task"))
            task.failure = "the result was blocked by content moderation";
        else if (local::has_fate(task.fate, "task-failed"))
            task.failure = "the worker gave up";
        else if (const std::string word = local::fate_value(task.fate, "word");
                 local::meaning_of(word) == local::WordMeaning::over
                 && base::lower(word) != "expired")
            task.failure = "the task ended as " + word;
        return task;
    }

    void create(const httplib::Request& request, httplib::Response& response)
    {
        const std::string& fault = local::Server::exchange().hits.exchange;
        std::string owner;
        if (!authorize(request, response, owner))
            return;
        Json body;
        base::JsonError error;
        if (!base::parse_json(request.body, body, error))
            return refuse(response, 400, "the body is no JSON: " + error.message,
                          "invalid_request_error");
        if (const std::string wrong = local::check_body(body); !wrong.empty())
            return refuse(response, 400, wrong, "invalid_request_error");
        Task task;
        const std::string idempotency_key = request.get_header_value("Idempotency-Key");
        if (options.honour_idempotency && !idempotency_key.empty()
            && book.find_idempotent(owner, idempotency_key, task))
            return answer(response, 200, local::create_body(task, "", {}));
        if (refused(fault, response))
            return;
        task = new_task(body, request, owner);
        if (!take_references(body, response, task.references))
            return;
        {
            std::lock_guard<std::mutex> lock(create_mutex);
            long credits = 0;
            if (accounts.balance(owner, credits) && credits < task.credits)
                return refuse(response, 402,
                              "insufficient credits: " + std::to_string(task.credits) + " needed, "
                                  + std::to_string(credits) + " left",
                              "insufficient_credits");
            // Durable before it is answered, as with the real thing: whoever kills us now finds it.
            book.add(task);
        }
        const std::shared_future<local::Images> images = renderer.images(task);
        {
            std::lock_guard<std::mutex> lock(mutex);
            running.emplace(task.ready, task.id);
        }
        changed.notify_all();
        const bool at_once = fault.rfind("finished", 0) == 0;
        answer(response, 200,
               local::create_body(
                   task, fault,
                   at_once ? answer_images(task, images.get(),
                                           fault == "finished-b64" || local::wants_bytes(task))
                           : std::vector<local::AnswerImage>()));
    }

    void poll(const httplib::Request& request, httplib::Response& response)
    {
        std::string owner;
        if (!authorize(request, response, owner))
            return;
        const std::string id = request.matches[1];
        Task task;
        bool known = book.find(id, task) && task.owner == owner;
        if (known && local::has_fate(task.fate, "task-lost"))
            known = false;
        if (known && local::has_fate(task.fate, "task-late")) {
            std::lock_guard<std::mutex> lock(mutex);
            known = looks[id]++ >= late_looks;
        }
        if (!known)
            return refuse(response, 404, "task not found: " + id, "not_found_error");
        if (!task.ended(now()))
            return answer(response, 200, local::waiting_body(task));
        if (local::ends_failed(task))
            return answer(response, 200, local::failed_body(task));
        const std::shared_future<local::Images> images = renderer.images(task);
        if (images.get().empty() && !local::has_fate(task.fate, "too-few"))
            return refuse(response, 404, "task no longer kept: " + id, "not_found_error");
        answer(response, 200,
               local::done_body(task, answer_images(task, images.get(), local::wants_bytes(task))));
    }

    void download(const httplib::Request& request, httplib::Response& response)
    {
        const std::string expires = request.get_param_value("expires");
        Task task;
        if (!links.genuine(request.path, expires, request.get_param_value("signature"))
            || !book.find(request.matches[1], task))
            return refuse(response, 403, "the signature does not match", "access_denied");
        if (std::stod(expires) < now()) {
            if (local::has_fate(task.fate, "expired-html"))
                return response.set_content(local::html_page("This link has expired"), "text/html");
            return refuse(response, local::has_fate(task.fate, "expired-400") ? 400 : 403,
                          "the URL has expired", "access_denied");
        }
        const std::shared_future<local::Images> images = renderer.images(task);
        const size_t index = size_t(std::stoi(request.matches[2])) - 1;
        if (index >= images.get().size())
            return refuse(response, 404, "no such image", "not_found_error");
        std::string bytes = local::spoilt_image(task.fate, images.get()[index]);
        std::string tag = task.id + "-" + std::to_string(index);
        const bool range = !request.ranges.empty();
        const bool first = [&] {
            std::lock_guard<std::mutex> lock(mutex);
            return downloads[request.path]++ == 0;
        }();
        if (first && local::has_fate(task.fate, "corrupt-once"))
            bytes = local::with_broken_pixels(std::move(bytes), 0);
        if (local::has_fate(task.fate, "changed-file")) {
            std::string& fault = local::Server::exchange().hits.exchange;
            if (first && !range && fault.empty())
                fault = "truncate";
            if (range) {
                tag += "-other";
                bytes = local::with_broken_pixels(
                    std::move(bytes), size_t(std::max<ssize_t>(request.ranges[0].first, 0)));
            }
        }
        // The status is left to cpp-httplib: 206 where a range was asked for.
        response.set_header("ETag", "\"" + tag + "\"");
        response.set_content(bytes,
                             local::has_fate(task.fate, "jpeg") ? "image/jpeg" : "image/png");
    }

    using Handler = void (Impl::*)(const httplib::Request&, httplib::Response&);

    // What surrounds every request of the service: faults and the log.
    httplib::Server::Handler route(const char* name, Handler handler)
    {
        return [this, name, handler](const httplib::Request& request, httplib::Response& response) {
            const std::string& fault = local::Server::exchange().hits.exchange;
            if (!local::replaces_request(fault))
                (this->*handler)(request, response);
            local::spoil(fault, response);
            log(local::exchange_line(name, request, response, fault));
        };
    }

    void set_routes()
    {
        server.set_payload_max_length(max_body);
        server.Post("/api/v1/images/generations", route("create", &Impl::create));
        server.Get("/api/v1/tasks/([^/]+)", route("poll", &Impl::poll));
        server.Get("/results/([A-Za-z0-9_]+)/([1-9][0-9]?)\\.png",
                   route("download", &Impl::download));
        server.Get("/ledger", [this](const httplib::Request&, httplib::Response& response) {
            answer(response, 200, local::ledger_body(book, now()));
        });
        server.Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
            answer(response, 200,
                   base::to_text(OrderedJson {{"status", "ok"},
                                              {"service", "klio local gateway"},
                                              {"version", version()}}));
        });
        // A web page that someone looks at must not reach the gateway by a name of its own.
        server.set_pre_routing_handler([](const httplib::Request& request,
                                          httplib::Response& response) {
            const std::string host = request.get_header_value("Host");
            const std::string name = host.substr(0, host.find(':'));
            if (name == "127.0.0.1" || name == "localhost" || name.empty())
                return httplib::Server::HandlerResponse::Unhandled;
            refuse(response, 403, "the local gateway answers on loopback alone", "access_denied");
            return httplib::Server::HandlerResponse::Handled;
        });
        server.set_error_handler([](const httplib::Request& request, httplib::Response& response) {
            if (response.body.empty() && response.status >= 400)
                refuse(response, response.status,
                       response.status == 404 ? "no such route: " + request.path
                                              : std::string("the request can't be read"),
                       response.status == 404 ? "not_found_error" : "invalid_request_error");
        });
        server.set_exception_handler([this](const httplib::Request&, httplib::Response& response,
                                            const std::exception_ptr& thrown) {
            std::string what = "unknown";
            try {
                std::rethrow_exception(thrown);
            } catch (const CancelledError&) {
                return refuse(response, 503, "the gateway stops", "server_error");
            } catch (const std::exception& error) {
                what = error.what();
            } catch (...) {
            }
            log("error: " + what);
            refuse(response, 500, what, "server_error");
        });
    }
};

LocalGateway::LocalGateway(const LocalGatewayOptions& options)
    : m_impl(std::make_unique<Impl>(options))
{
}

LocalGateway::~LocalGateway() = default;

int LocalGateway::port() const
{
    return m_impl->server.port();
}

std::string LocalGateway::endpoint() const
{
    return m_impl->endpoint();
}

std::vector<LocalCharge> LocalGateway::charges() const
{
    std::vector<LocalCharge> charges;
    for (const Task& task : m_impl->book.tasks())
        if (task.charged(now()))
            charges.push_back({task.id, task.idempotency_key, task.request_hash, task.credits});
    return charges;
}

uint64_t LocalGateway::creates() const
{
    return m_impl->book.creates();
}

void LocalGateway::stop()
{
    m_impl->stop();
}

} // namespace klio
