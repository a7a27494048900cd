/// Fields of messages: how one is checked, read and written, once for all messages.
///
/// A Schema<R> names a record R and lists its fields in their order on the wire; schemas.h has
/// them.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>

#include "protocol/codes.h"
#include "protocol/kinds.h"
#include "protocol/messages.h"
#include "protocol/packed.h"
#include "protocol/words.h"

namespace stembridge::protocol {

template <typename R>
struct Schema;

/// What a message is read from: the map of its header, and the second frame where it has one.
struct Wire {
    const PackedValue& map;
    std::span<const std::byte> payload;
};

/// Throws Refusal for a field with a value that it may not have.
template <typename R>
void checkFields(const R& record) {
    std::apply([&](const auto&... field) { (field.check(record), ...); }, Schema<R>::fields);
}

/// Throws Refusal for the first field that is missing or wrong. Unknown keys are ignored.
template <typename R>
void readFields(const Wire& wire, R& record) {
    std::apply([&](const auto&... field) { (field.read(wire, record), ...); }, Schema<R>::fields);
}

/// How many keys writeFields() writes.
template <typename R>
std::size_t countFields(const R& record) {
    return std::apply(
        [&](const auto&... field) { return (field.count(record) + ... + std::size_t{0}); },
        Schema<R>::fields);
}

template <typename R>
void writeFields(PackedWriter& writer, const R& record) {
    std::apply([&](const auto&... field) { (field.write(writer, record), ...); },
               Schema<R>::fields);
}

/// Do `action`; what it throws then says of which field.
template <typename Action>
void naming(std::string_view field, const Action& action) {
    try {
        action();
    } catch (Refusal& refusal) {
        refusal.why = words(field, " is ", refusal.why);
        throw;
    }
}

/// Whether a field goes on the wire: one that is left out does not.
template <typename T>
bool isSent(const T&) {
    return true;
}
template <typename T>
bool isSent(const std::optional<T>& value) {
    return value.has_value();
}

/// A field in the header. `mayBeLeftOut`: then it stays as the struct has it.
template <typename R, typename T, typename K>
struct Field {
    static constexpr bool kIsPayload = false;

    std::string_view name;
    T R::* member;
    K kind;
    bool mayBeLeftOut = false;

    void check(const R& record) const {
        naming(name, [&] { kind.check(record.*member); });
    }
    void read(const Wire& wire, R& record) const {
        if (const PackedValue* value = wire.map.find(name)) {
            naming(name, [&] { kind.read(*value, record.*member); });
        } else if (!mayBeLeftOut) {
            throw Refusal{Code::kMalformed, words(name, " is missing")};
        }
    }
    std::size_t count(const R& record) const { return isSent(record.*member) ? 1 : 0; }
    void write(PackedWriter& writer, const R& record) const {
        if (!isSent(record.*member)) return;
        writer.text(name);
        kind.write(writer, record.*member);
    }
};

template <typename R, typename T, typename K>
Field(std::string_view, T R::*, K, bool = false) -> Field<R, T, K>;

/// The payload of a message, and what the header says of it: `K::kKeys` keys.
template <typename R, typename T, typename K>
struct Payload {
    static constexpr bool kIsPayload = true;

    std::string_view name;
    T R::* member;
    K kind;

    void check(const R& record) const {
        naming(name, [&] { kind.check(record.*member); });
    }
    void read(const Wire& wire, R& record) const {
        naming(name, [&] { kind.read(wire.map, wire.payload, record.*member); });
    }
    std::size_t count(const R&) const { return K::kKeys; }
    void write(PackedWriter& writer, const R& record) const { kind.write(writer, record.*member); }
};

template <typename R, typename T, typename K>
Payload(std::string_view, T R::*, K) -> Payload<R, T, K>;

/// The frame that a message takes besides its header; none for most.
template <typename R>
std::optional<std::span<const std::byte>> payloadOf(const R& record) {
    std::optional<std::span<const std::byte>> found;
    const auto look = [&]<typename F>(const F& field) {
        if constexpr (F::kIsPayload) {
            found = field.kind.bytes(record.*field.member);
        }
    };
    std::apply([&](const auto&... field) { (look(field), ...); }, Schema<R>::fields);
    return found;
}

}  // namespace stembridge::protocol
