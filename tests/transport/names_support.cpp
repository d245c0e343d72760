#include "raw_server.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <map>

// This program's own getaddrinfo() comes before the C library's, also for libcurl: so names resolve
// to what a test says, and no test asks a name server.

namespace klio::test {
namespace {

struct Entry {
    std::vector<std::string> addresses;
    int lookups = 0;
};

struct Names {
    std::mutex mutex;
    std::condition_variable changed;
    std::map<std::string, Entry> entries;
};

Names& names()
{
    static Names* all = new Names;
    return *all;
}

} // namespace

Name::Name(std::string name, std::vector<std::string> addresses) : m_name(std::move(name))
{
    const std::lock_guard<std::mutex> lock(names().mutex);
    names().entries[m_name].addresses = std::move(addresses);
}

Name::~Name()
{
    const std::lock_guard<std::mutex> lock(names().mutex);
    names().entries.erase(m_name);
    names().changed.notify_all();
}

int Name::lookups() const
{
    const std::lock_guard<std::mutex> lock(names().mutex);
    return names().entries[m_name].lookups;
}

} // namespace klio::test

extern "C" {

// One block for all, freed by this program's freeaddrinfo().
struct KlioTestInfo {
    addrinfo info;
    sockaddr_storage address;
};

[[gnu::visibility("default")]] int getaddrinfo(const char* node, const char* service,
                                               const addrinfo* hints, addrinfo** result)
{
    using namespace klio::test;
    std::vector<std::string> addresses;
    {
        std::unique_lock<std::mutex> lock(names().mutex);
        const auto found = names().entries.find(node ? node : "");
        if (found != names().entries.end()) {
            ++found->second.lookups;
            addresses = found->second.addresses;
            if (!addresses.empty() && addresses[0] == "hang") {
                const std::string name = node;
                names().changed.wait(lock, [&] { return names().entries.count(name) == 0; });
                return EAI_AGAIN;
            }
        }
    }
    if (addresses.empty()) {
        in_addr v4 {};
        in6_addr v6 {};
        if (!node || (inet_pton(AF_INET, node, &v4) != 1 && inet_pton(AF_INET6, node, &v6) != 1))
            return EAI_NONAME;
        addresses = {node};
    }
    const int port = service ? std::atoi(service) : 0;
    addrinfo* head = nullptr;
    addrinfo** tail = &head;
    for (const std::string& text : addresses) {
        auto* one = static_cast<KlioTestInfo*>(std::calloc(1, sizeof(KlioTestInfo)));
        auto* v4 = reinterpret_cast<sockaddr_in*>(&one->address);
        auto* v6 = reinterpret_cast<sockaddr_in6*>(&one->address);
        if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
            v4->sin_family = AF_INET;
            v4->sin_port = htons(uint16_t(port));
            one->info.ai_addrlen = sizeof(sockaddr_in);
        } else {
            inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr);
            v6->sin6_family = AF_INET6;
            v6->sin6_port = htons(uint16_t(port));
            one->info.ai_addrlen = sizeof(sockaddr_in6);
        }
        one->info.ai_family = one->address.ss_family;
        one->info.ai_socktype = hints ? hints->ai_socktype : SOCK_STREAM;
        one->info.ai_addr = reinterpret_cast<sockaddr*>(&one->address);
        if (hints && hints->ai_family != AF_UNSPEC && hints->ai_family != one->info.ai_family) {
            std::free(one);
            continue;
        }
        *tail = &one->info;
        tail = &one->info.ai_next;
    }
    *result = head;
    return head ? 0 : EAI_NONAME;
}

[[gnu::visibility("default")]] void freeaddrinfo(addrinfo* list)
{
    while (list) {
        addrinfo* next = list->ai_next;
        std::free(list);
        list = next;
    }
}
}
