#pragma once

#include "store/database.h"

/// \file
/// The tables, with a version of their own (PRAGMA user_version).

namespace klio::store {

/// True where the schema is the one this build knows; false where the database is new. Throws
/// StoreError where a newer klio made it, or another program.
bool check_schema(Database& database);
/// Makes the tables; inside a transaction.
void make_schema(Database& database);

} // namespace klio::store
