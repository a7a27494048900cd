/// The vectors of docs/PROTOCOL.md, both ways, and what this side must not send.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "protocol/codec.h"
#include "protocol/limits.h"
#include "vectors.h"

namespace stembridge::protocol {
namespace {

const Json kAccepted = readJson(STEMBRIDGE_VECTORS "/accepted.json");
const Json kRefused = readJson(STEMBRIDGE_VECTORS "/refused.json");

Json headerOf(const Frames& frames) {
    std::vector<std::uint8_t> bytes;
    for (const std::byte byte : frames.bytes.at(0)) bytes.push_back(std::to_integer<uint8_t>(byte));
    return Json::from_msgpack(bytes);
}

/// The first message of that type in accepted.json with other fields.
Frames changed(std::string_view type, const Json& changes) {
    for (const Json& entry : kAccepted) {
        if (entry["header"]["t"] != type) continue;
        Json header = entry["header"];
        header.update(changes);
        Frames frames = framesOf(entry["frames"]);
        frames.bytes[0] = packed(header);
        return frames;
    }
    return {};
}

Message example(std::string_view type) {
    static std::vector<Frames> kept;  // payloads are views
    kept.push_back(changed(type, Json::object()));
    return std::get<Message>(kept.back().decoded());
}

bool isAccepted(std::string_view type, const Json& changes) {
    return std::holds_alternative<Message>(changed(type, changes).decoded());
}

TEST_CASE("accepted vectors are decoded, and encoded byte for byte") {
    CHECK(kAccepted.size() >= 24);
    for (const Json& entry : kAccepted) {
        CAPTURE(entry.dump());
        const Frames frames = framesOf(entry["frames"]);
        const Decoded decoded = frames.decoded();
        REQUIRE(std::holds_alternative<Message>(decoded));
        const Message& message = std::get<Message>(decoded);
        CHECK(nameOf(message) == entry["header"]["t"].get<std::string>());
        const Frames again = framesOf(encode(message));
        CHECK(again == frames);
        CHECK(headerOf(again) == entry["header"]);
    }
}

TEST_CASE("payloads are what the vectors say, and lie in the frame that came") {
    for (const Json& entry : kAccepted) {
        const Frames frames = framesOf(entry["frames"]);
        const Decoded decoded = frames.decoded();
        const Message& message = std::get<Message>(decoded);
        if (const auto* report = std::get_if<Report>(&message)) {
            CHECK(report->report.data() == frames.bytes[1].data());
            CHECK(Json::from_msgpack(std::vector<std::uint8_t>(
                      reinterpret_cast<const std::uint8_t*>(report->report.data()),
                      reinterpret_cast<const std::uint8_t*>(report->report.data()) +
                          report->report.size())) == entry["payload"]);
        }
        const auto check = [&](const Samples& samples) {
            std::vector<float> found(samples.size());
            samples.copy(0, found);
            CHECK(found == entry["samples"].get<std::vector<float>>());
            CHECK(samples.bytes().data() == frames.bytes[1].data());
        };
        if (const auto* audio = std::get_if<Audio>(&message)) check(audio->audio.samples);
        if (const auto* stems = std::get_if<Stems>(&message)) check(stems->audio.samples);
    }
}

TEST_CASE("refused vectors are refused with their code") {
    CHECK(kRefused.size() >= 38);
    for (const Json& entry : kRefused) {
        CAPTURE(entry["why"].get<std::string>());
        const Decoded decoded = framesOf(entry["frames"]).decoded();
        REQUIRE(std::holds_alternative<Refusal>(decoded));
        const Refusal& refusal = std::get<Refusal>(decoded);
        CHECK(nameOf(refusal.code) == entry["code"].get<std::string>());
        CHECK(!refusal.why.empty());
    }
}

TEST_CASE("a type that this peer may not send is none") {
    const Frames hello = changed("HELLO", Json::object());
    CHECK(std::get<Refusal>(hello.decoded(kControlToClient)).code == Code::kType);
    CHECK(std::holds_alternative<Message>(hello.decoded(kControlToServer)));
}

TEST_CASE("unknown fields are ignored, and what may be left out has its default") {
    CHECK(isAccepted("PONG", {{"new", {{"a", {1, 2.5, nullptr, true, "x"}}}}}));
    const auto ping = Frames{{packed({{"t", "PING"}, {"stamp", 5}})}}.decoded();
    CHECK(std::get<Ping>(std::get<Message>(ping)).late == 0);
    const auto error =
        Frames{{packed({{"t", "ERROR"}, {"code", "x"}, {"text", ""}, {"hint", ""}})}};
    const auto read = std::get<Error>(std::get<Message>(error.decoded()));
    CHECK(read.session == 0);
    CHECK(codeNamed(read.code) == Code::kInternal);
    CHECK(!std::get<Configure>(example("CONFIGURE")).saved);
}

TEST_CASE("of a key that comes twice the last value counts") {
    const Frames twice{{fromHex("83a174a4504f4e47a57374616d7007a57374616d7008")}};
    CHECK(std::get<Pong>(std::get<Message>(twice.decoded())).stamp == 8);
    const Frames wrongFirst{{fromHex("83a174a4504f4e47a57374616d70c0a57374616d7008")}};
    CHECK(std::holds_alternative<Message>(wrongFirst.decoded()));
    const Frames wrongLast{{fromHex("83a174a4504f4e47a57374616d7008a57374616d70c0")}};
    CHECK(std::holds_alternative<Refusal>(wrongLast.decoded()));
}

TEST_CASE("any MessagePack form of a number will do") {
    for (const char* five : {"05", "cc05", "cd0005", "ce00000005", "cf0000000000000005", "d005",
                             "d10005", "d200000005", "d30000000000000005"}) {
        const Frames pong{{fromHex(std::string("82a174a4504f4e47a57374616d70") + five)}};
        CAPTURE(five);
        CHECK(std::get<Pong>(std::get<Message>(pong.decoded())).stamp == 5);
    }
}

TEST_CASE("numbers end where the page says") {
    CHECK(isAccepted("CREDIT", {{"received", kFrame}}));
    CHECK(!isAccepted("CREDIT", {{"received", kFrame + 1}}));
    CHECK(!isAccepted("CREDIT", {{"received", kToken}}));
    CHECK(!isAccepted("CREDIT", {{"epoch", 0}}));
    CHECK(isAccepted("CREDIT", {{"epoch", kNumber}}));
    CHECK(!isAccepted("CREDIT", {{"epoch", kNumber + 1}}));
    CHECK(isAccepted("CREDIT", {{"session", kToken}}));
    CHECK(!isAccepted("CREDIT", {{"session", 0}}));
    CHECK(isAccepted("CONFIGURE", {{"burst", -1}}));
    CHECK(!isAccepted("CONFIGURE", {{"burst", -2}}));
    CHECK(!isAccepted("CONFIGURE", {{"residual", 1}}));
    CHECK(!isAccepted("CREDIT", {{"epoch", true}}));
    CHECK(!isAccepted("CREDIT", {{"epoch", 1.0}}));
}

TEST_CASE("lists and texts end where the page says") {
    const std::string full(kStringBytes, 'x');
    CHECK(isAccepted("HELLO", {{"client", full}}));
    CHECK(!isAccepted("HELLO", {{"client", full + "x"}}));
    CHECK(!isAccepted("HELLO", {{"client", "a\u202eb"}}));
    CHECK(!isAccepted("HELLO", {{"version", {1}}}));
    CHECK(!isAccepted("CONFIGURED", {{"sources", Json::array()}}));
    CHECK(isAccepted("CONFIGURED", {{"sources", Json(16, "s")}}));
    CHECK(!isAccepted("CONFIGURED", {{"sources", Json(17, "s")}}));
    CHECK(isAccepted("PONG", {{"x", Json(kHeaderItems, 0)}}));
    CHECK(!isAccepted("PONG", {{"x", Json(kHeaderItems + 1, 0)}}));
}

TEST_CASE("bytes for a key and empty extensions are refused, even where nobody looks") {
    CHECK(std::holds_alternative<Refusal>(
        Frames{{fromHex("83a174a4504f4e47a57374616d7007c4017801")}}.decoded()));
    CHECK(std::holds_alternative<Refusal>(
        Frames{{fromHex("83a174a4504f4e47a57374616d7007a178c70005")}}.decoded()));
}

TEST_CASE("a report has at most so many levels") {
    const auto nested = [](std::size_t levels) {
        Json value = Json::object();
        for (std::size_t level = 1; level < levels; ++level) value = Json{{"x", value}};
        return Frames{{packed({{"t", "REPORT"}}), packed(value)}};
    };
    CHECK(std::holds_alternative<Message>(nested(kTreeDepth).decoded()));
    CHECK(std::holds_alternative<Refusal>(nested(kTreeDepth + 1).decoded()));
}

TEST_CASE("what this side must not send is its own mistake") {
    Hello hello{.client = "a\nb"};
    CHECK_THROWS_AS(encode(hello), LocalProtocolError);
    Reset reset{.session = 1, .epoch = 1, .origin = -1, .start = 0, .request = 1};
    CHECK_THROWS_AS(encode(reset), LocalProtocolError);
    const std::vector<float> samples(6);
    Audio audio{.session = 1, .epoch = 1, .audio = {2, 3, Samples(std::span(samples))}};
    CHECK_NOTHROW(check(audio));
    audio.audio.frames = 4;
    CHECK_THROWS_WITH_AS(encode(audio),
                         "AUDIO: audio is a payload of 24 bytes, expected 32 for its shape",
                         LocalProtocolError);
}

TEST_CASE("the payload is not copied on its way out") {
    const std::vector<float> samples{1.0F, 2.0F};
    const Encoded encoded =
        encode(Audio{.session = 1, .epoch = 1, .audio = {1, 2, Samples(std::span(samples))}});
    CHECK(encoded.payload->data() == std::as_bytes(std::span(samples)).data());
}

}  // namespace
}  // namespace stembridge::protocol
