#pragma once

#include <map>
#include <string>
#include <vector>

/// \file
/// Label templates: "{frame} · {take} {prompt:40}".

namespace klio::sheet {

using Fields = std::map<std::string, std::string>;

/// `{name}` is the field's value and `{name:40}` at most 40 characters of it. `{name?}` may be
/// missing, and then takes with it what separates it from what stands before it (spaces and
/// · | / , ; : - – —). `{{` and `}}` are braces. "\n" (or the two characters \ and n) begins a new
/// line; a line whose fields come to nothing is left out. A field without `?` that this item lacks
/// is nothing; check_template() says where no item has it.
std::string expand(const std::string& text, const Fields& fields);

/// Throws UsageError where `text` has an unclosed brace, a bad width, or a field without `?` that
/// is not among `known`; `what` names the template, e.g. "--label".
void check_template(const std::string& text, const std::vector<std::string>& known,
                    const std::string& what);

} // namespace klio::sheet
