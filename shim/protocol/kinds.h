/// What a field of a message may hold: each kind checks a value, and reads and writes it.
///
/// `check` and `read` throw Refusal, in words that fit after "is"; `read` leaves only values that
/// `check` would pass. The names of docs/PROTOCOL.md for them stand at the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/limits.h"
#include "protocol/messages.h"
#include "protocol/packed.h"

namespace stembridge::protocol {

/// A whole number from `low` to `high`; true and false are none.
struct Int {
    std::int64_t low;
    std::int64_t high;

    void check(std::int64_t value) const;
    void read(const PackedValue& wire, std::int64_t& to) const;
    void write(PackedWriter& writer, std::int64_t value) const { writer.integer(value); }
};

/// 64 bits that count from `low` on.
struct Bits {
    std::uint64_t low;

    void check(std::uint64_t value) const;
    void read(const PackedValue& wire, std::uint64_t& to) const;
    void write(PackedWriter& writer, std::uint64_t value) const { writer.unsignedInteger(value); }
};

/// True or false, and nothing that merely counts as one.
struct Flag {
    void check(bool) const {}
    void read(const PackedValue& wire, bool& to) const;
    void write(PackedWriter& writer, bool value) const { writer.boolean(value); }
};

/// One line of showable Unicode of at most `most` bytes as UTF-8.
struct Text {
    std::size_t most;

    void check(std::string_view value) const;
    void read(const PackedValue& wire, std::string& to) const;
    void write(PackedWriter& writer, std::string_view value) const { writer.text(value); }
};

/// From `least` to `most` texts.
struct Texts {
    Text item;
    std::size_t least;
    std::size_t most;

    void check(const std::vector<std::string>& value) const;
    void read(const PackedValue& wire, std::vector<std::string>& to) const;
    void write(PackedWriter& writer, const std::vector<std::string>& value) const;

private:
    void checkCount(std::size_t count) const;
};

/// From `least` to `most` whole numbers.
struct Ints {
    Int item;
    std::size_t least;
    std::size_t most;

    void check(const std::vector<std::int64_t>& value) const;
    void read(const PackedValue& wire, std::vector<std::int64_t>& to) const;
    void write(PackedWriter& writer, const std::vector<std::int64_t>& value) const;

private:
    void checkCount(std::size_t count) const;
};

/// `exact` or `fast`.
struct PrecisionWord {
    void check(Precision value) const;
    void read(const PackedValue& wire, Precision& to) const;
    void write(PackedWriter& writer, Precision value) const;
};

/// [major, minor]; the code for another major than ours is `version`.
struct VersionPair {
    void check(const Version& value) const;
    void read(const PackedValue& wire, Version& to) const;
    void write(PackedWriter& writer, const Version& value) const;
};

inline constexpr Bits kTokenKind{1};
inline constexpr Bits kTokenOrNoneKind{0};
inline constexpr Int kNumberKind{1, kNumber};
inline constexpr Int kNumberOrNoneKind{0, kNumber};
inline constexpr Int kFrameKind{0, kFrame};
inline constexpr Int kHostFramesKind{0, kSpanFrames};
inline constexpr Int kModelFramesKind{0, kSpanFrames};
inline constexpr Int kSomeModelFramesKind{1, kSpanFrames};
inline constexpr Int kDurationKind{0, kDurationUs};
inline constexpr Int kRateKind{kRateMin, kRateMax};
inline constexpr Int kBlockKind{1, kBlock};
inline constexpr Int kChannelsKind{1, kChannels};
inline constexpr Text kStringKind{kStringBytes};
inline constexpr Text kLineKind{kTextBytes};
inline constexpr Flag kBoolKind{};
inline constexpr PrecisionWord kPrecisionKind{};
inline constexpr Texts kWarningsKind{{kTextBytes}, 0, kWarnings};
inline constexpr Texts kSourcesKind{{kSourceBytes}, 1, kSources};
inline constexpr Texts kCapabilitiesKind{{kStringBytes}, 0, kCapabilities};
inline constexpr Texts kPresetsKind{{kPresetBytes}, 0, kPresets};
inline constexpr Ints kGainsKind{{-kSilence, kGain}, 0, kSources};
inline constexpr VersionPair kProtocolVersionKind{};

}  // namespace stembridge::protocol
