#include "local/font.h"

#include <fontconfig/fontconfig.h>
#include <ft2build.h>
#include FT_FREETYPE_H

#include <cstdlib>
#include <cstring>
#include <mutex>

namespace klio::local {

namespace {

// A face that was found, opened once a character wants it.
struct Candidate {
    std::string file;
    int index = 0;
    FcCharSet* characters = nullptr; ///< null: not known, look into the face
    FT_Face face = nullptr;
    bool tried = false;
};

// FreeType's objects belong to one thread at a time. Never destroyed: slates may be drawn until
// the very end of a process.
struct Fonts {
    std::mutex mutex;
    FT_Library library = nullptr;
    std::vector<Candidate> candidates[2]; ///< regular and bold, the best first

    Fonts()
    {
        if (FT_Init_FreeType(&library) != 0)
            return;
        const char* const named = std::getenv("KLIO_FONT");
        if (named && std::strchr(named, '/')) {
            for (std::vector<Candidate>& list : candidates) {
                list.push_back({named, 0, nullptr, nullptr, false});
                if (!open(list.front()))
                    list.clear();
            }
            return;
        }
        for (int bold = 0; bold < 2; ++bold)
            find(named ? named : "", bold, candidates[bold]);
    }

    // The family named, the system's sans-serif, and behind it what has the scripts that it lacks.
    void find(const std::string& family, bool bold, std::vector<Candidate>& list)
    {
        const std::string name = (family.empty() ? "" : family + ",") + "DejaVu Sans,sans-serif"
            + (bold ? ":bold" : "");
        FcPattern* wanted = FcNameParse(reinterpret_cast<const FcChar8*>(name.c_str()));
        if (!wanted)
            return;
        FcConfigSubstitute(nullptr, wanted, FcMatchPattern);
        FcDefaultSubstitute(wanted);
        FcResult result = FcResultNoMatch;
        FcFontSet* set = FcFontSort(nullptr, wanted, FcTrue, nullptr, &result);
        for (int i = 0; set && i < set->nfont; ++i) {
            FcChar8* file = nullptr;
            int index = 0;
            FcCharSet* characters = nullptr;
            if (FcPatternGetString(set->fonts[i], FC_FILE, 0, &file) != FcResultMatch)
                continue;
            FcPatternGetInteger(set->fonts[i], FC_INDEX, 0, &index);
            FcPatternGetCharSet(set->fonts[i], FC_CHARSET, 0, &characters);
            list.push_back({reinterpret_cast<const char*>(file), index,
                            characters ? FcCharSetCopy(characters) : nullptr, nullptr, false});
        }
        if (set)
            FcFontSetDestroy(set);
        FcPatternDestroy(wanted);
        while (!list.empty() && !open(list.front()))
            list.erase(list.begin());
    }

    bool open(Candidate& candidate)
    {
        if (!candidate.tried) {
            candidate.tried = true;
            if (FT_New_Face(library, candidate.file.c_str(), candidate.index, &candidate.face) != 0)
                candidate.face = nullptr;
        }
        return candidate.face != nullptr && FT_IS_SCALABLE(candidate.face);
    }

    FT_Face face_with(uint32_t character, bool bold)
    {
        for (Candidate& candidate : candidates[bold ? 1 : 0])
            if ((!candidate.characters || FcCharSetHasChar(candidate.characters, character))
                && open(candidate) && FT_Get_Char_Index(candidate.face, character) != 0)
                return candidate.face;
        return candidates[bold ? 1 : 0].front().face;
    }
};

Fonts& fonts()
{
    static Fonts* instance = new Fonts;
    return *instance;
}

} // namespace

bool have_font(bool bold)
{
    Fonts& all = fonts();
    std::lock_guard<std::mutex> lock(all.mutex);
    return !all.candidates[bold ? 1 : 0].empty();
}

DrawnGlyph draw_glyph(uint32_t character, int size, bool bold)
{
    Fonts& all = fonts();
    std::lock_guard<std::mutex> lock(all.mutex);
    const FT_Face face = all.face_with(character, bold);
    DrawnGlyph glyph;
    if (FT_Set_Pixel_Sizes(face, 0, FT_UInt(size)) != 0
        || FT_Load_Char(face, character, FT_LOAD_RENDER) != 0)
        return glyph;
    const FT_GlyphSlot slot = face->glyph;
    glyph.left = slot->bitmap_left;
    glyph.top = slot->bitmap_top;
    glyph.advance = int(slot->advance.x >> 6);
    if (slot->bitmap.pixel_mode != FT_PIXEL_MODE_GRAY)
        return glyph;
    glyph.width = int(slot->bitmap.width);
    glyph.height = int(slot->bitmap.rows);
    for (int row = 0; row < glyph.height; ++row) {
        const unsigned char* line = slot->bitmap.buffer + row * slot->bitmap.pitch;
        glyph.coverage.insert(glyph.coverage.end(), line, line + glyph.width);
    }
    return glyph;
}

std::vector<uint32_t> code_points(const std::string& text)
{
    std::vector<uint32_t> points;
    for (size_t at = 0; at < text.size();) {
        const auto lead = static_cast<unsigned char>(text[at++]);
        const int more = lead < 0x80 ? 0
            : lead >= 0xF0           ? 3
            : lead >= 0xE0           ? 2
            : lead >= 0xC0           ? 1
                                     : -1;
        if (more < 0) {
            points.push_back(0xFFFD);
            continue;
        }
        uint32_t point = more == 0 ? lead : lead & (0x3Fu >> more);
        int got = 0;
        for (; got < more && at < text.size()
             && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
             ++got)
            point = point << 6 | (static_cast<unsigned char>(text[at++]) & 0x3F);
        points.push_back(got == more ? point : 0xFFFD);
    }
    return points;
}

} // namespace klio::local
