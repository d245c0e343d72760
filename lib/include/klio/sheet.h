#pragma once

#include <klio/export.h>
#include <klio/progress.h>
#include <klio/set.h>

#include <map>
#include <string>
#include <vector>

namespace klio {

/// One cell of a contact sheet.
struct SheetItem {
    enum class Kind { frame, reference, failure } kind = Kind::frame;
    std::string path; ///< any file OIIO reads; empty for a failure
    int subimage = 0;
    std::string message; ///< a failure's reason
    int row = -1;        ///< items of one row number stand together (takes as rows); -1: flows
    /// What label templates name: frame, take, size, prompt, job, file …
    std::map<std::string, std::string> fields;
};

/// How a sheet looks. Lengths are pixels of the page.
struct SheetOptions {
    std::string layout; ///< "CxR"; default: chosen to fill the page
    int width = 0;      ///< of the page; 0: from cells
    int cell_width = 0; ///< 0: chosen
    int cell_height = 0;
    int gap = 16;
    int margin = 32;
    std::string background = "0.09,0.09,0.10"; ///< display code values
    std::string label = "{name}";              ///< template; "" for none
    std::string header, footer;                ///< templates
    std::string font;                          ///< file or family; default: found by itself
    std::string format;                        ///< OIIO data type; default uint8
    int threads = 0;
};

/// Builds the sheet page by page and writes it: `path` with a padding ('#') gets a number for each
/// page, one without gets ".2", ".3" … from the second page on. Returns the files written. Cells
/// are decoded one after another, so memory does not grow with their number. Scene-linear sources
/// are shown through the view. Throws OutputError, ReferenceError; a single unreadable item becomes
/// a marked cell.
KLIO_API std::vector<std::string> write_sheet(const std::vector<SheetItem>& items,
                                              const std::string& path, const SheetOptions& options,
                                              const CancelToken& cancel = {});

/// The references and frames of a set as items, or one failure cell where it has none.
KLIO_API std::vector<SheetItem> sheet_items(const StoredSet& set);

} // namespace klio
