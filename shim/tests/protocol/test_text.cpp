/// Texts of a peer end on terminals and in logs.
#include <doctest/doctest.h>

#include <string>

#include "protocol/text.h"

namespace stembridge::protocol {
namespace {

/// UTF-8 by the book, surrogates and all.
std::string coded(unsigned code) {
    const auto byte = [](unsigned bits) { return static_cast<char>(bits); };
    const auto tail = [&](unsigned shift) { return byte(0x80 | (code >> shift & 0x3F)); };
    if (code < 0x80) return {byte(code)};
    if (code < 0x800) return {byte(0xC0 | code >> 6), tail(0)};
    if (code < 0x10000) return {byte(0xE0 | code >> 12), tail(6), tail(0)};
    return {byte(0xF0 | code >> 18), tail(12), tail(6), tail(0)};
}

TEST_CASE("every character is one, but for surrogates and what is beyond Unicode") {
    int wrong = 0;
    for (unsigned code = 0; code < 0x200000; ++code) {
        const bool expected = code < 0x110000 && (code < 0xD800 || code > 0xDFFF);
        wrong += isUtf8(coded(code)) != expected;
    }
    CHECK(wrong == 0);
}

TEST_CASE("the characters of the page are the ones that may not be shown") {
    int wrong = 0;
    for (unsigned code = 0; code < 0x110000; ++code) {
        const bool control = code < 0x20 || (code >= 0x7F && code <= 0x9F);
        const bool line = code == 0x2028 || code == 0x2029;
        const bool turns = code == 0x061C || code == 0x200E || code == 0x200F ||
                           (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
        const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
        wrong += isShowable(coded(code)) == (control || line || turns || surrogate);
    }
    CHECK(wrong == 0);
}

TEST_CASE("overlong and broken forms are no UTF-8") {
    for (const char* text : {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xC3(", "\xE0\x80\x80",
                             "\xE0\x9F\xBF", "\xE2\x82", "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF",
                             "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "a\xF0\x9F\x98"}) {
        CAPTURE(text);
        CHECK(!isUtf8(text));
        CHECK(!isShowable(text));
    }
    CHECK(isShowable("für niemanden ♪ 😀"));
    CHECK(isShowable(""));
}

TEST_CASE("clipped makes a text that may be shown") {
    CHECK(clipped("a\nb\u202Ec", 99) == "a b c");
    CHECK(clipped("a\xFF"
                  "b\xE2\x82",
                  99) == "ab");
    CHECK(clipped("für", 2) == "f");
    CHECK(clipped("für", 3) == "fü");
}

}  // namespace
}  // namespace stembridge::protocol
