#pragma once

#include <string>

/// \file
/// Coding-independent code points (ITU-T H.273): two numbers that say which colours a file holds.

namespace klio::color {

/// False where either number is 0 or "unspecified".
bool cicp_given(int primaries, int transfer);

/// Both for people: "primaries Rec.2020, transfer PQ".
std::string cicp_name(int primaries, int transfer);

/// The config's space for ColourPrimaries 1 (Rec.709), 9 (Rec.2020) or 12 (P3-D65) with
/// TransferCharacteristics 1, 6, 14, 15 (one curve), 8 (linear), 13 (sRGB), 16 (PQ) or 18 (HLG);
/// empty where it has none. Spaces of displays are not taken: between them and a scene stands a
/// view. Linear light of these primaries needs no space of the config's own, where its ACES is
/// known.
std::string space_of_cicp(int primaries, int transfer);

} // namespace klio::color
