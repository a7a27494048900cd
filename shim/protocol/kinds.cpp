#include "protocol/kinds.h"

#include <array>
#include <string_view>

#include "protocol/codes.h"
#include "protocol/text.h"
#include "protocol/words.h"

namespace stembridge::protocol {
namespace {

[[noreturn]] void refuse(std::string why) { throw Refusal{Code::kMalformed, std::move(why)}; }

constexpr std::array<std::string_view, 2> kPrecisions{"exact", "fast"};

}  // namespace

void Int::check(std::int64_t value) const {
    if (value < low || value > high) refuse(words(value, ", expected ", low, " to ", high));
}

void Int::read(const PackedValue& wire, std::int64_t& to) const {
    const auto number = wire.asInteger();
    if (!number) refuse(words(wire.shown(), ", expected ", low, " to ", high));
    check(*number);
    to = *number;
}

void Bits::check(std::uint64_t value) const {
    if (value < low) refuse(words(value, ", expected ", low, " to ", kToken));
}

void Bits::read(const PackedValue& wire, std::uint64_t& to) const {
    const auto number = wire.asUnsigned();
    if (!number) refuse(words(wire.shown(), ", expected ", low, " to ", kToken));
    check(*number);
    to = *number;
}

void Flag::read(const PackedValue& wire, bool& to) const {
    const auto value = wire.asBool();
    if (!value) refuse(words(wire.shown(), ", expected true or false"));
    to = *value;
}

void Text::check(std::string_view value) const {
    if (value.size() > most || !isShowable(value)) {
        refuse(words("'", clipped(value, 40), "', expected text of at most ", most,
                     " bytes without control characters"));
    }
}

void Text::read(const PackedValue& wire, std::string& to) const {
    const auto text = wire.asText();
    if (!text) refuse(words(wire.shown(), ", expected text"));
    check(*text);
    to = *text;
}

void Texts::checkCount(std::size_t count) const {
    if (count < least || count > most) {
        refuse(words(count, " texts, expected ", least, " to ", most));
    }
}

void Texts::check(const std::vector<std::string>& value) const {
    checkCount(value.size());
    for (const std::string& text : value) item.check(text);
}

void Texts::read(const PackedValue& wire, std::vector<std::string>& to) const {
    if (wire.type != PackedValue::Type::kList) {
        refuse(words(wire.shown(), ", expected a list of texts"));
    }
    checkCount(wire.count);
    to.resize(wire.count);
    const PackedValue* at = wire.first();
    for (std::string& text : to) {
        item.read(*at, text);
        at = at->next();
    }
}

void Texts::write(PackedWriter& writer, const std::vector<std::string>& value) const {
    writer.list(value.size());
    for (const std::string& text : value) item.write(writer, text);
}

void Ints::checkCount(std::size_t count) const {
    if (count < least || count > most) {
        refuse(words(count, " numbers, expected ", least, " to ", most));
    }
}

void Ints::check(const std::vector<std::int64_t>& value) const {
    checkCount(value.size());
    for (const std::int64_t number : value) item.check(number);
}

void Ints::read(const PackedValue& wire, std::vector<std::int64_t>& to) const {
    if (wire.type != PackedValue::Type::kList) {
        refuse(words(wire.shown(), ", expected a list of numbers"));
    }
    checkCount(wire.count);
    to.resize(wire.count);
    const PackedValue* at = wire.first();
    for (std::int64_t& number : to) {
        item.read(*at, number);
        at = at->next();
    }
}

void Ints::write(PackedWriter& writer, const std::vector<std::int64_t>& value) const {
    writer.list(value.size());
    for (const std::int64_t number : value) item.write(writer, number);
}

void PrecisionWord::check(Precision value) const {
    if (value != Precision::kExact && value != Precision::kFast) refuse("neither exact nor fast");
}

void PrecisionWord::read(const PackedValue& wire, Precision& to) const {
    const auto text = wire.asText();
    if (text == kPrecisions[0]) {
        to = Precision::kExact;
    } else if (text == kPrecisions[1]) {
        to = Precision::kFast;
    } else {
        refuse(words(wire.shown(), ", expected exact or fast"));
    }
}

void PrecisionWord::write(PackedWriter& writer, Precision value) const {
    writer.text(kPrecisions[static_cast<std::size_t>(value)]);
}

void VersionPair::check(const Version& value) const {
    kNumberOrNoneKind.check(value.major);
    kNumberOrNoneKind.check(value.minor);
    if (value.major != kVersion.major) {
        throw Refusal{Code::kOtherVersion,
                      words(value.major, ".", value.minor, ", expected ", kVersion.major,
                            ".x: install a client and a sidecar "
                            "that belong together")};
    }
}

void VersionPair::read(const PackedValue& wire, Version& to) const {
    if (wire.type != PackedValue::Type::kList || wire.count != 2) {
        refuse(words(wire.shown(), ", expected [major, minor]"));
    }
    Version version;
    kNumberOrNoneKind.read(*wire.first(), version.major);
    kNumberOrNoneKind.read(*wire.first()->next(), version.minor);
    check(version);
    to = version;
}

void VersionPair::write(PackedWriter& writer, const Version& value) const {
    writer.list(2);
    writer.integer(value.major);
    writer.integer(value.minor);
}

}  // namespace stembridge::protocol
