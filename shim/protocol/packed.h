/// MessagePack as messages use it: maps and lists of texts, whole numbers, true, false and nil.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stembridge::protocol {

/// What one packed map may take.
struct PackedLimits {
    std::string_view what;    ///< "header" or "payload", for errors
    std::size_t bytes = 0;    ///< of the whole
    std::uint32_t items = 0;  ///< entries of one map or list
    std::size_t depth = 0;    ///< levels of maps and lists
};

/// One value of a packed map. Values lie in a row, each before those inside it.
struct PackedValue {
    enum class Type : std::uint8_t {
        kNil,
        kBool,
        kPositive,
        kNegative,
        kFloat,
        kText,
        kBinary,
        kList,
        kMap
    };

    Type type = Type::kNil;
    bool isKey = false;
    std::uint32_t count = 0;     ///< entries of a list or map, bytes of a text
    std::uint32_t values = 1;    ///< in the row, with all that is inside
    std::uint64_t bits = 0;      ///< of a number or bool
    const char* text = nullptr;  ///< in the frame

    /// The value after this one and all inside it: the next item, or a key's value.
    const PackedValue* next() const { return this + values; }
    /// The first item or key of a list or map that is not empty.
    const PackedValue* first() const { return this + 1; }

    std::optional<bool> asBool() const;
    std::optional<std::int64_t> asInteger() const;
    std::optional<std::uint64_t> asUnsigned() const;
    std::optional<std::string_view> asText() const;
    /// The value of that key in a map, the last one where there are several; null without one.
    const PackedValue* find(std::string_view key) const;
    /// What it is, in words for an error: harmless on a terminal, whatever a peer sent.
    std::string shown() const;
};

/// A packed map, read as far as to know that all of it is well-formed. Views the frame.
class PackedMap {
public:
    /// Throws Refusal. Takes 32 bytes of memory for each byte of `frame` at most, whatever
    /// lengths it claims.
    PackedMap(std::span<const std::byte> frame, const PackedLimits& limits);

    /// The map itself.
    const PackedValue& root() const { return values_.front(); }
    /// It and all that is inside, in order.
    std::span<const PackedValue> all() const { return values_; }

private:
    std::vector<PackedValue> values_;
};

/// Writes MessagePack, numbers in their shortest form.
class PackedWriter {
public:
    explicit PackedWriter(std::vector<std::byte>& to) : to_(to) {}

    void map(std::size_t entries);
    void list(std::size_t items);
    void text(std::string_view text);
    void integer(std::int64_t number);
    void unsignedInteger(std::uint64_t number);
    void boolean(bool value);

private:
    std::vector<std::byte>& to_;
};

}  // namespace stembridge::protocol
