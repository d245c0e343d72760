#include "raw_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace klio::test {

Connection::~Connection()
{
    if (m_tls)
        SSL_free(m_tls);
}

std::string Connection::read_some(size_t size)
{
    std::string text(size, '\0');
    const long got = m_tls ? SSL_read(m_tls, text.data(), int(size))
                           : long(recv(m_socket, text.data(), size, 0));
    text.resize(got > 0 ? size_t(got) : 0);
    return text;
}

std::string Connection::read_head()
{
    size_t end = 0;
    while ((end = m_buffer.find("\r\n\r\n")) == std::string::npos) {
        const std::string more = read_some();
        if (more.empty())
            return {};
        m_buffer += more;
    }
    const std::string head = m_buffer.substr(0, end + 4);
    m_buffer.erase(0, end + 4);
    return head;
}

std::string Connection::read_request()
{
    const std::string head = read_head();
    std::string lower = head;
    for (char& c : lower)
        c = char(std::tolower(static_cast<unsigned char>(c)));
    const size_t at = lower.find("content-length:");
    const size_t length = at == std::string::npos ? 0 : std::strtoul(&lower[at + 15], nullptr, 10);
    while (m_buffer.size() < length) {
        const std::string more = read_some();
        if (more.empty())
            break;
        m_buffer += more;
    }
    const std::string body = m_buffer.substr(0, length);
    m_buffer.erase(0, length);
    return head + body;
}

bool Connection::send(const std::string& text)
{
    for (size_t at = 0; at < text.size();) {
        const long sent = m_tls
            ? SSL_write(m_tls, text.data() + at, int(text.size() - at))
            : long(::send(m_socket, text.data() + at, text.size() - at, MSG_NOSIGNAL));
        if (sent <= 0)
            return false;
        at += size_t(sent);
    }
    return true;
}

void Connection::answer(const std::string& body, const std::string& headers)
{
    send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers
         + "\r\n" + body);
}

void Connection::reset()
{
    const linger hard {1, 0};
    setsockopt(m_socket, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

void Connection::close_now()
{
    if (m_tls)
        SSL_shutdown(m_tls);
    shutdown(m_socket, SHUT_RDWR);
}

void Connection::wait_closed()
{
    while (!read_some().empty()) { }
}

RawServer::RawServer(Handler handler, const Certificate* certificate)
    : m_handler(std::move(handler))
{
    signal(SIGPIPE, SIG_IGN); // SSL_write to a client that is gone
    if (certificate) {
        m_tls = SSL_CTX_new(TLS_server_method());
        BIO* cert_bio = BIO_new_mem_buf(certificate->cert_pem.data(), -1);
        BIO* key_bio = BIO_new_mem_buf(certificate->key_pem.data(), -1);
        X509* cert = PEM_read_bio_X509(cert_bio, nullptr, nullptr, nullptr);
        EVP_PKEY* key = PEM_read_bio_PrivateKey(key_bio, nullptr, nullptr, nullptr);
        SSL_CTX_use_certificate(m_tls, cert);
        SSL_CTX_use_PrivateKey(m_tls, key);
        X509_free(cert);
        EVP_PKEY_free(key);
        BIO_free(cert_bio);
        BIO_free(key_bio);
    }
    m_listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(m_listener, reinterpret_cast<sockaddr*>(&address), size) != 0
        || ::listen(m_listener, 64) != 0
        || getsockname(m_listener, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        throw std::runtime_error("no port");
    m_port = ntohs(address.sin_port);
    m_listen_thread = std::thread([this] { listen(); });
}

void RawServer::listen()
{
    for (;;) {
        const int client = accept4(m_listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0)
            return;
        const std::lock_guard<std::mutex> lock(m_mutex);
        if (m_stopping) {
            close(client);
            return;
        }
        const int number = m_count++;
        m_open.push_back(client);
        m_threads.emplace_back([this, client, number] {
            {
                SSL* tls = nullptr;
                bool good = true;
                if (m_tls) {
                    tls = SSL_new(m_tls);
                    SSL_set_fd(tls, client);
                    good = SSL_accept(tls) == 1;
                }
                Connection connection(client, tls);
                if (good)
                    m_handler(connection, number);
            }
            const std::lock_guard<std::mutex> done(m_mutex);
            m_open.erase(std::find(m_open.begin(), m_open.end(), client));
            close(client);
        });
    }
}

RawServer::~RawServer()
{
    {
        const std::lock_guard<std::mutex> lock(m_mutex);
        m_stopping = true;
        for (int client : m_open)
            shutdown(client, SHUT_RDWR);
    }
    shutdown(m_listener, SHUT_RDWR);
    m_listen_thread.join();
    close(m_listener);
    for (std::thread& thread : m_threads)
        thread.join();
    SSL_CTX_free(m_tls);
}

std::string RawServer::url(const std::string& path) const
{
    return (m_tls ? "https" : "http") + std::string("://127.0.0.1:") + std::to_string(m_port)
        + path;
}

namespace {

std::string pem_of(X509* cert)
{
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, cert);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string text(data, size_t(size));
    BIO_free(bio);
    return text;
}

std::string pem_of(EVP_PKEY* key)
{
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string text(data, size_t(size));
    BIO_free(bio);
    return text;
}

void extend(X509* cert, X509* issuer, int what, const std::string& value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
    X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
}

X509* make(EVP_PKEY* key, const std::string& name, int days)
{
    static std::atomic<long> serial {1};
    X509* cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3 * 86400);
    X509_gmtime_adj(X509_getm_notAfter(cert), days * 86400L);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    return cert;
}

} // namespace

Certificate make_certificate(const std::vector<std::string>& names, int days)
{
    EVP_PKEY* ca_key = EVP_EC_gen("P-256");
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* ca = make(ca_key, "klio test authority", 1);
    X509_set_issuer_name(ca, X509_get_subject_name(ca));
    extend(ca, ca, NID_basic_constraints, "critical,CA:TRUE");
    X509_sign(ca, ca_key, EVP_sha256());

    X509* cert = make(key, "klio test server", days);
    X509_set_issuer_name(cert, X509_get_subject_name(ca));
    std::string alternatives;
    for (const std::string& name : names)
        alternatives += (alternatives.empty() ? "" : ",")
            + (name.compare(0, 3, "IP:") == 0 ? name : "DNS:" + name);
    extend(cert, ca, NID_subject_alt_name, alternatives);
    X509_sign(cert, ca_key, EVP_sha256());

    Certificate made {pem_of(cert), pem_of(key), pem_of(ca)};
    X509_free(cert);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
    return made;
}

TemporaryFolder::TemporaryFolder()
    : path([] {
          std::string pattern
              = (std::filesystem::temp_directory_path() / "klio-test-XXXXXX").string();
          if (!mkdtemp(pattern.data()))
              throw std::runtime_error("no temporary folder");
          return pattern;
      }())
{
}

TemporaryFolder::~TemporaryFolder()
{
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
}

std::string TemporaryFolder::file(const std::string& name, const std::string& content) const
{
    const std::string full = path + "/" + name;
    std::ofstream(full, std::ios::binary) << content;
    return full;
}

} // namespace klio::test
