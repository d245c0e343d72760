#pragma once

#include "service/failure.h"

/// \file
/// Whether a create that got an answer which is no success surely was not accepted. Only then is it
/// sent again, or its price given back; whatever leaves a doubt is unknown, and counts as spent.
///
/// By status, which is the body's code where HTTP says 2xx:
///
/// - 400 to 499 are a rejection, but for 409 (what a service that honours Idempotency-Key says of a
///   create that it has), 499 (somebody in between gave up waiting), and 408 without a JSON error.
/// - 307 and 308 are one: nothing was carried out. Other 3xx are not.
/// - 502, 504, 520 to 530, and 590 and more are none, whatever the body says: who stood between may have passed
///   the create on. Nor is any other status whose body's code is one of these.
/// - 503 with Retry-After is one unless it is HTML; other 5xx where a JSON error says so.
/// - A 2xx whose code is in no table is one only where it has an error, "success": false, or words
///   that say so: what one service means by 77 another one means by 0.
///
/// And never where the answer names a task or a picture, in whatever place (of 400, 401, 402, 403, 404, 405,
/// 413, 415 and 422 a bare "id" is taken for the request's own); where it says that the
/// Idempotency-Key is one it knows; or where its words are those of a server that lost another one
/// which it had passed the create to (timeout, EOF, connection reset, context canceled, …). "No
/// connection was made" is no such word.

namespace klio::service {

/// A status by which somebody between says that it has no good answer from who was asked.
bool passed_on(int status);

/// `status` is what decides, `meant` the status that the body's code stands for (0: none).
bool surely_rejected(const AnswerFacts& facts, int status, int meant);

/// The same for an answer under HTTP 2xx with a code in no table; `words` are its message's.
bool says_rejected(const AnswerFacts& facts, const std::string& words);

/// True where an answer that is a rejection otherwise may come from after the acceptance, by any of
/// the texts in it.
bool leaves_doubt(const base::Json& root);

} // namespace klio::service
