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
    std::string space;   ///< colour space of the file; empty: as it says itself
    std::string message; ///< a failure's reason
    int row = -1;        ///< items of one row number stand together (takes as rows); -1: flows
    /// What templates name. sheet_items() and file_items() fill them; write_sheet() adds `size`,
    /// `width` and `height` of what it opens, and `index`, the cell's number from 1.
    std::map<std::string, std::string> fields;
};

/// How a sheet looks. Lengths are pixels of the page.
///
/// Templates: `{field}` is its value, `{prompt:40}` at most 40 characters of it, `{seed?}` may be
/// missing and then takes with it what separates it from the text before; `{{` is a brace, "\n" a
/// new line. Header and footer know the fields that all cells share, and {page} {pages} {count}.
struct SheetOptions {
    std::string layout; ///< "CxR" cells a page; default: chosen to fill the page
    int width = 0;      ///< of the page; 0: what the cells need, 3200 where they are chosen as well
    int height = 0;     ///< of the page; 0: what the cells need, aiming at 5/8 of the width
    int cell_width = 0; ///< of a picture's box, labels not counted; 0: chosen
    int cell_height = 0;
    int gap = 16;
    int margin = 32;
    std::string background = "0.09,0.09,0.10"; ///< display code values, or "#rrggbb"
    std::string label = "{name}";              ///< template; "" for none
    /// Templates; "" for none. The default shows the prompt where all cells share one.
    std::string header = "{prompt?}\n{model?} · {type?} · {ratio?} · {resolution?}";
    std::string footer;
    std::string font;   ///< file or family; default: found by itself
    int font_size = 0;  ///< of labels, pixels an em; 0: by the cells' width
    std::string format; ///< OIIO data type; default: the file format's 8-bit
                        ///< one, half for EXR
    int quality = 92;   ///< of lossy formats, 1–100
    int threads = 0;
    bool force = true;         ///< write over files that are there
    ProgressCallback progress; ///< one step "sheet" for each cell
};

/// One sheet of several that are made in one go.
struct Sheet {
    std::vector<SheetItem> items;
    std::string path;
};

/// Builds the sheet page by page and writes it: `path` with a padding ('#' four digits, '@' one,
/// '%04d') gets a number for each page, one without gets ".2", ".3" … before its ending from the
/// second page on. Returns the files written. Pictures keep their ratio, always. Pages are built
/// and written one row of cells at a time, so memory does not grow with their number. Scene-linear
/// sources are shown through the view; formats that are scene-linear by custom (EXR, HDR) are
/// written linear so that a viewer shows the same. Where no font is installed the sheet has no
/// labels. Files are written whole or not at all. The layout stands in the file's ImageDescription.
/// Thread-safe. Throws OutputError, UsageError (options), CancelledError; a single unreadable item
/// becomes a marked cell.
KLIO_API std::vector<std::string> write_sheet(const std::vector<SheetItem>& items,
                                              const std::string& path, const SheetOptions& options,
                                              const CancelToken& cancel = {});

/// The same for many sheets, whose cells are read ahead across them. Returns all files written.
KLIO_API std::vector<std::string> write_sheets(const std::vector<Sheet>& sheets,
                                               const SheetOptions& options,
                                               const CancelToken& cancel = {});

/// Throws UsageError where write_sheet() would, for want of the font that is named
/// (SheetOptions::font).
KLIO_API void check_font(const std::string& font);

/// The references and frames of a set as items, or one failure cell where it has none.
/// Fields: name, kind, job (key), task, take, frame, prompt, model, type, ratio, resolution,
/// credits, state; size for frames; file for references.
KLIO_API std::vector<SheetItem> sheet_items(const StoredSet& set);

/// Several takes: the references that they share once, then a row for each set.
KLIO_API std::vector<SheetItem> sheet_items(const std::vector<StoredSet>& sets);

/// Image files as items. A name with a padding ('#', '@', '%04d') stands for the files of that
/// sequence which are there, in order; a folder for the images in it.
/// Fields: name and file (with ending), stem, folder (its name alone), number (in a sequence).
/// Throws ReferenceError where a name matches nothing.
KLIO_API std::vector<SheetItem> file_items(const std::vector<std::string>& names);

/// `pattern` with the item's fields in place of `{folder}` and the like: which sheet it belongs on
/// where each value of a field gets a sheet of its own. A slash in a value becomes '_'. Throws
/// UsageError for a field that the item lacks.
KLIO_API std::string sheet_name(const std::string& pattern, const SheetItem& item);

} // namespace klio
