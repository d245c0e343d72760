#include "store/store.h"

#include "store_support.h"

#include <klio/error.h>

#include <gtest/gtest.h>

#include <sqlite3.h>

#include <fstream>

namespace {

using namespace klio;
using namespace klio::store;
using klio::test::Folder;
using klio::test::job_record;

namespace fs = std::filesystem;

/// A data folder with one bought frame, and what may become of its database.
class LostDatabase : public ::testing::Test {
protected:
    LostDatabase()
    {
        Store store(folder.path);
        JobRecord job = job_record("a");
        store.jobs().begin(job, {}, 1);
        store.jobs().submitted(job.set.job, "t", {}, 2);
        StoredFrame frame;
        frame.index = 1;
        frame.media_type = "image/png";
        frame = write_frame_bytes(folder.path, job.set.job, frame, "paid for");
        store.jobs().add_frame(job.set.job, frame);
        store.jobs().succeeded(job.set.job, {}, 3);
    }

    std::string refusal() const
    {
        try {
            Store {folder.path};
            return {};
        } catch (const StoreError& error) {
            return error.what();
        }
    }

    Folder folder;
    const std::string database = folder.path + "/klio.db";
};

TEST_F(LostDatabase, IsNotReplacedByANewOneBesideResults)
{
    fs::remove(database);
    const std::string said = refusal();
    for (const char* part :
         {"lost or empty", "buy those jobs again", "backup", ".recover", "results/"})
        EXPECT_NE(said.find(part), std::string::npos) << part << ": " << said;
    EXPECT_FALSE(fs::exists(database));
    fs::rename(folder.path + "/results", folder.path + "/away");
    EXPECT_EQ(refusal(), "");
}

TEST_F(LostDatabase, EmptyOrWithoutTablesIsALostOne)
{
    std::ofstream(database, std::ios::trunc).close();
    // SQLite would delete it, and it may hold all there was.
    std::ofstream(database + "-wal") << "a log";
    EXPECT_NE(refusal().find("lost or empty"), std::string::npos);
    EXPECT_TRUE(fs::exists(database + "-wal"));
    fs::remove(database + "-wal");

    fs::remove(database);
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(database.c_str(), &handle), SQLITE_OK);
    sqlite3_exec(handle, "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr);
    sqlite3_close(handle);
    EXPECT_GT(fs::file_size(database), 0u);
    EXPECT_NE(refusal().find("lost or empty"), std::string::npos) << refusal();
}

TEST_F(LostDatabase, AnAnswerToTakeUpIsAPurchaseAsWell)
{
    fs::remove_all(folder.path + "/results");
    fs::remove(database);
    std::ofstream(folder.path + "/answers/abcd.json") << "{}";
    EXPECT_NE(refusal().find("lost or empty"), std::string::npos);
}

TEST_F(LostDatabase, WithoutASchemaOfKliosItIsRefusedInALine)
{
    for (const char* version : {"0", "-1"}) {
        {
            Store store(folder.path);
            store.database().execute((std::string("PRAGMA user_version = ") + version).c_str());
        }
        const std::string said = refusal();
        EXPECT_NE(said.find("not klio's schema"), std::string::npos) << said;
        EXPECT_EQ(said.find('\n'), std::string::npos) << said;
        EXPECT_LT(said.size(), 400u) << said;
        sqlite3* handle = nullptr;
        ASSERT_EQ(sqlite3_open(database.c_str(), &handle), SQLITE_OK);
        sqlite3_exec(handle, "PRAGMA user_version = 1", nullptr, nullptr, nullptr);
        sqlite3_close(handle);
        EXPECT_EQ(refusal(), "");
    }
}

TEST_F(LostDatabase, ADamagedOneIsNotToBeMovedAwayAlone)
{
    std::ofstream(database, std::ios::trunc) << std::string(8192, 'x');
    const std::string said = refusal();
    EXPECT_NE(said.find("klio.db is damaged"), std::string::npos) << said;
    EXPECT_NE(said.find(".recover"), std::string::npos) << said;
    EXPECT_NE(said.find("bought again"), std::string::npos) << said;
}

TEST(Database, AFailedStatementIsSaidInALine)
{
    const Folder folder;
    Database database(folder.path + "/klio.db");
    try {
        database.execute(
            "\nCREATE TABLE jobs (\n    id INTEGER\n);\nCREATE TABLE frames (id INTEGER);");
        FAIL();
    } catch (const StoreError& error) {
        EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    }
}

} // namespace
