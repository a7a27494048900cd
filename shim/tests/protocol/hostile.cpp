#include "hostile.h"

#include <algorithm>
#include <array>
#include <limits>

#include "protocol/limits.h"

namespace stembridge::protocol {
namespace {

const std::vector<Json>& edges() {
    static const std::vector<Json> kEdges = [] {
        std::vector<Json> found{nullptr, true, false, 0.0, -1.5, 1e300, 0, -1, 1, 2, 16385, 65537};
        for (const std::uint64_t bit : {31U, 32U, 53U, 62U, 63U}) {
            for (const std::uint64_t around : {~0ULL, 0ULL, 1ULL}) {
                found.emplace_back((std::uint64_t{1} << bit) + around);
            }
        }
        found.emplace_back(kToken);
        found.emplace_back(std::numeric_limits<std::int64_t>::min());
        for (const char* text : {"", "x", "\n\x1b[2J", "\u202e", "AUDIO", "HELLO", "%s%n{0}"}) {
            found.emplace_back(text);
        }
        for (const std::size_t length : {64U, 65U, 256U, 257U, 1000U, 1001U, 4000U}) {
            found.emplace_back(std::string(length, 'x'));
        }
        found.push_back(Json::binary({1, 2, 255}));
        for (const char* text :
             {"[]", "[1]", "[1,0]", "[1,9]", "[2,7]", "[1,-1]", "[true,0]", "[[1]]", "[null]",
              "[1099511627776,1099511627776]", "{}", R"({"hop":0})", R"({"t":"AUDIO"})",
              R"({"a":{"a":{"a":{}}}})", R"({"x":[1,{"y":2}]})"}) {
            found.push_back(Json::parse(text));
        }
        found.emplace_back(std::vector<std::string>(17, "x"));
        found.emplace_back(std::vector<int>(65, 0));
        return found;
    }();
    return kEdges;
}

/// Lengths that are claimed and never come.
constexpr std::array<std::string_view, 17> kClaims{
    "ddffffffff", "dfffffffff", "dbffffffff",    "c6ffffffff", "c9ffffffff01", "dcffff", "deffff",
    "d9ff",       "c5ffff",     "c8ffff05",      "c1",         "d6ff00000000", "9f",     "8f",
    "bf",         "c7000005",   "c704057fffffff"};
constexpr std::array<std::string_view, 4> kBefore{"", "82a174a5415544494fa57368617065", "81a174",
                                                  "81"};

Bytes joined(Bytes bytes, const Bytes& more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
    return bytes;
}

}  // namespace

Hostile::Hostile(std::uint64_t seed) : random_(seed) {
    for (const Json& entry : readJson(STEMBRIDGE_VECTORS "/accepted.json")) {
        examples_.push_back(entry);
        real_.push_back(framesOf(entry["frames"]));
    }
    for (const Json& entry : readJson(STEMBRIDGE_VECTORS "/refused.json")) {
        real_.push_back(framesOf(entry["frames"]));
    }
}

Frames Hostile::next() {
    static const std::vector<Attack> kAttacks{
        &Hostile::garbage,  &Hostile::flipped,  &Hostile::flipped,  &Hostile::cut,
        &Hostile::glued,    &Hostile::mistyped, &Hostile::mistyped, &Hostile::reframed,
        &Hostile::lacking,  &Hostile::laden,    &Hostile::claiming, &Hostile::nested,
        &Hostile::misshapen};
    return below(3) == 0 ? unbidden() : (this->*any(kAttacks))();
}

Frames Hostile::withHeader(const Json& example, const Json& header) {
    Frames frames = framesOf(example["frames"]);
    frames.bytes[0] = packed(header);
    return frames;
}

Frames Hostile::garbage() {
    Frames frames{std::vector<Bytes>(below(4))};
    for (Bytes& bytes : frames.bytes) {
        bytes.resize(below(200));
        for (std::byte& byte : bytes) byte = static_cast<std::byte>(random_());
    }
    return frames;
}

Frames Hostile::flipped() {
    Frames frames = any(real_);
    for (std::size_t count = 1 + below(5); count > 0 && !frames.bytes.empty(); --count) {
        Bytes& bytes = frames.bytes[below(frames.bytes.size())];
        if (!bytes.empty()) bytes[below(bytes.size())] ^= static_cast<std::byte>(1U << below(8));
    }
    return frames;
}

Frames Hostile::cut() {
    Frames frames = any(real_);
    if (frames.bytes.empty()) return frames;
    Bytes& bytes = frames.bytes[below(frames.bytes.size())];
    bytes.resize(below(bytes.size() + 1));
    return frames;
}

Frames Hostile::glued() {
    Frames frames = any(real_);
    if (frames.bytes.empty()) return frames;
    Bytes& bytes = frames.bytes[below(frames.bytes.size())];
    bytes = joined(bytes, below(2) == 0 ? Bytes{static_cast<std::byte>(random_())} : Bytes(bytes));
    return frames;
}

Frames Hostile::reframed() {
    Frames frames = any(real_);
    for (const Bytes& bytes : any(real_).bytes) frames.bytes.push_back(bytes);
    std::shuffle(frames.bytes.begin(), frames.bytes.end(), random_);
    frames.bytes.resize(below(frames.bytes.size() + 1));
    return frames;
}

Frames Hostile::mistyped() {
    const Json& example = anyExample();
    Json header = example["header"];
    for (std::size_t count = 1 + below(2); count > 0; --count) {
        auto field = header.begin();
        std::advance(field, below(header.size()));
        *field = any(edges());
    }
    return withHeader(example, header);
}

Frames Hostile::lacking() {
    const Json& example = anyExample();
    Json header = example["header"];
    auto field = header.begin();
    std::advance(field, below(header.size()));
    header.erase(field);
    return withHeader(example, header);
}

Frames Hostile::laden() {
    static const std::vector<std::string> kNames{"x", "", "audio", "report", "shape", "saved"};
    const Json& example = anyExample();
    Json header = example["header"];
    header[any(kNames)] = any(edges());
    return withHeader(example, header);
}

Frames Hostile::claiming() {
    const auto claim = [this] {
        return joined(fromHex(kBefore[below(kBefore.size())]),
                      fromHex(kClaims[below(kClaims.size())]));
    };
    Frames frames{{claim()}};
    if (below(2) == 0) frames.bytes.push_back(below(2) == 0 ? claim() : Bytes(24));
    return frames;
}

Frames Hostile::nested() {
    const std::size_t depths[] = {7, 8, 9, 64, 511, 512, 513, 2700};
    const std::size_t depth = depths[below(std::size(depths))];
    const Bytes level = fromHex(below(2) == 0 ? "91" : below(2) == 0 ? "81a178" : "dc0040");
    Bytes value;
    for (std::size_t count = 0; count < depth; ++count) value = joined(std::move(value), level);
    value.push_back(std::byte{0xC0});
    if (below(2) == 0) return {{fromHex("81a174a65245504f5254"), joined(fromHex("81a178"), value)}};
    return {{joined(fromHex("83a174a4504f4e47a57374616d7001a178"), value)}};
}

Frames Hostile::misshapen() {
    static const std::vector<std::uint64_t> kSides{0, 1, 2, 3, 16, 17, 64, 16384, 16385, 1U << 31};
    std::vector<std::uint64_t> shape(below(5));
    for (auto& side : shape) side = any(kSides);
    const std::size_t sizes[] = {
        0, 1, 4, 7, 8, 64, 128, 4096, 4100, kPayloadBytes, kPayloadBytes + 4};
    const std::size_t size = sizes[below(below(500) == 0 ? std::size(sizes) : 9)];
    const Json header{{"t", below(2) == 0 ? "AUDIO" : "STEMS"},
                      {"session", 1},
                      {"epoch", 1},
                      {"start", 0},
                      {"got", 0},
                      {"received", 0},
                      {"shape", shape}};
    return {{packed(header), Bytes(size)}};
}

Frames Hostile::unbidden() {
    static const std::vector<std::string> kNumbers{"epoch",  "start",   "got",     "received",
                                                   "origin", "stop",    "request", "stamp",
                                                   "credit", "channels"};
    const std::uint64_t values[] = {0, 1, 2, 3, 48'000, 48'003, 48'006, 96'000, random_() >> 33};
    const Json& example = anyExample();
    Json header = example["header"];
    for (const std::string& name : kNumbers) {
        if (header.contains(name) && below(2) == 0) header[name] = values[below(std::size(values))];
    }
    if (header.contains("session") && below(8) == 0) header["session"] = random_();
    return withHeader(example, header);
}

}  // namespace stembridge::protocol
