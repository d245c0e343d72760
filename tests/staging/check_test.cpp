#include <klio/staging.h>

#include "staging/server_support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace klio;
using ::testing::HasSubstr;

namespace {

class CheckStage : public ::testing::Test {
protected:
    std::vector<StageStep> check() { return check_stage(m_settings, m_server.url("/dav/")); }
    // "upload+ fetch-": the steps with how they ended.
    std::string outline(const std::vector<StageStep>& steps)
    {
        std::string text;
        for (const StageStep& step : steps)
            text += (text.empty() ? "" : " ") + step.name + (step.ok ? "+" : "-");
        return text;
    }
    static std::string result_of(const std::vector<StageStep>& steps, const std::string& name)
    {
        for (const StageStep& step : steps)
            if (step.name == name)
                return step.result;
        return "no such step";
    }
    void on(const std::string& method, FakeServer::Hook hook)
    {
        m_server.set_hook([=](const httplib::Request& request, httplib::Response& response) {
            return request.method == method && hook(request, response);
        });
    }

    CheckStage() { m_settings.set("endpoint", "http://127.0.0.1:1"); }

    FakeServer m_server {"image/png"};
    Settings m_settings;
};

} // namespace

TEST_F(CheckStage, EachStepOfAStageThatWorks)
{
    std::string seen;
    const auto steps = check_stage(m_settings, m_server.url("/dav/"), {},
                                   [&](const StageStep& step) { seen += step.name + " "; });
    EXPECT_EQ(outline(steps),
              "setting+ upload+ fetch+ bytes+ type+ reachable+ listing+ delete+ gone+");
    EXPECT_EQ(seen, "setting upload fetch bytes type reachable listing delete gone ");
    EXPECT_TRUE(m_server.files().empty());
}

TEST_F(CheckStage, APrivateAddressIsNotReachableForTheRealService)
{
    m_settings.set("endpoint", "https://apiin.one");
    EXPECT_THAT(outline(check()), HasSubstr("reachable-"));
}

TEST_F(CheckStage, AListingIsShown)
{
    on("GET", [this](const httplib::Request& request, httplib::Response& response) {
        if (request.path != "/dav/")
            return false;
        std::string page;
        for (const auto& [path, bytes] : m_server.files())
            page += "<a href=\"" + path + "\">";
        response.set_content(page, "text/html");
        return true;
    });
    EXPECT_THAT(outline(check()), HasSubstr("listing- delete+ gone+"));
}

TEST_F(CheckStage, AWrongTypeIsShown)
{
    FakeServer octets {"application/octet-stream"};
    const auto steps = check_stage(m_settings, octets.url("/"));
    EXPECT_THAT(outline(steps), HasSubstr("bytes+ type- reachable+"));
    EXPECT_THAT(result_of(steps, "type"), HasSubstr("application/octet-stream"));
}

TEST_F(CheckStage, WhatIsStillServedAfterItsDeletionIsShown)
{
    on("DELETE", [](const httplib::Request&, httplib::Response& response) {
        response.status = 204;
        return true;
    });
    const auto steps = check();
    EXPECT_THAT(outline(steps), HasSubstr("delete+ gone-"));
    EXPECT_THAT(result_of(steps, "gone"), HasSubstr("cache"));
}

TEST_F(CheckStage, AFailedUploadLeavesNothing)
{
    on("GET", [](const httplib::Request& request, httplib::Response& response) {
        if (request.method == "GET")
            response.status = 403;
        return request.method == "GET";
    });
    EXPECT_EQ(outline(check()), "setting+ upload-");
    EXPECT_TRUE(m_server.files().empty());
}

TEST_F(CheckStage, ABadSettingIsAStepToo)
{
    EXPECT_EQ(outline(check_stage(m_settings, "ftp://x")), "setting-");
    EXPECT_EQ(outline(check_stage(m_settings, "inline")), "setting+ upload+");
}
