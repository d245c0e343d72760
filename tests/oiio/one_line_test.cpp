#include "one_line.h"

#include <gmock/gmock.h>

using klio::oiio::one_line;

TEST(OneLine, KeepsTextAndDropsWhatATerminalObeys)
{
    EXPECT_EQ(one_line("a fox, é ü 雪 ~"), "a fox, é ü 雪 ~");
    EXPECT_EQ(one_line("a\r\n\tb"), "a   b");
    EXPECT_EQ(one_line("\x1b[31mred\x7f\a"), "?[31mred??");
    EXPECT_EQ(one_line("\xc2\x9b"
                       "31m"),
              "?31m")
        << "C1, as UTF-8 has it";
    EXPECT_EQ(one_line(std::string("a\0b", 3)), "a?b");
    EXPECT_EQ(one_line("\xc2"), "\xc2");
}
