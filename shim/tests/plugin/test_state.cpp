#include <doctest/doctest.h>

#include <random>

#include "plugin/state.h"

using namespace stembridge;

namespace {

State example() {
    State state;
    state.wanted.model = "htdemucs";
    state.wanted.latencyUs = 3'000'000;
    state.wanted.preset = "vocal cleanup";
    state.wanted.kept = KeptPlan{48'000, defaultPlan({48'000, 512})};
    state.parameters = {{"vocals_gain", -3.5F}, {"drums_mute", 1.0F}};
    state.editor = {800, 500};
    return state;
}

std::optional<State> decode(const std::string& text) {
    return decodeState({text.data(), text.size()});
}

}  // namespace

TEST_CASE("a state comes back as it was") {
    CHECK(decode(encodeState(example())) == example());
    CHECK(decode(encodeState(State{})) == State{});
}

TEST_CASE("what is no state is refused") {
    for (const char* text :
         {"", "{", "[]", "null", "{}", R"({"stem_bridge":-1})", "\xff\xfe", R"({"stem_bridge":1)"})
        CHECK(!decode(text));
    CHECK(!decode(std::string(100'000, ' ')));
    CHECK(!decode(std::string(60'000, '[')));
    std::string deep =
        R"({"stem_bridge":1,"wanted":)" + std::string(20'000, '[') + std::string(20'000, ']') + "}";
    CHECK(!decode(deep));
}

TEST_CASE("a newer layout is read as far as it is known") {
    const auto state =
        decode(R"({"stem_bridge":7,"wanted":{"model":"htdemucs","new":[1]},"x":{}})");
    REQUIRE(state);
    CHECK(state->wanted.model == "htdemucs");
    CHECK(state->isNewer);
    CHECK(!decode(encodeState(example()))->isNewer);
}

TEST_CASE("a project names presets, and no files, and has no plan for one that it does not name") {
    for (const char* name : {"karaoke", "vocal-cleanup", "Mix 2 (dry)", "f\xC3\xBCr mich"})
        CHECK(isPresetName(name));
    for (const char* name : {"", "../x", "/etc/x", "a.toml", "C:\\x", "a\nb", "\x7f"})
        CHECK(!isPresetName(name));
    CHECK(!isPresetName(std::string(65, 'a')));
    for (const char* preset : {"\"/tmp/evil\"", "7", "null", "[]"}) {
        State kept = example();
        std::string text = encodeState(kept);
        const std::string name = "\"vocal cleanup\"";
        text.replace(text.find(name), name.size(), preset);
        const auto state = decode(text);
        REQUIRE(state);
        CHECK(state->wanted.model == "htdemucs");
        CHECK(state->wanted.preset.empty());
        CHECK(!state->wanted.kept);
    }
}

TEST_CASE("a plan of before there were presets waits for no effects") {
    std::string text = encodeState(example());
    const std::string effects = "\"effects\":0,";
    REQUIRE(text.find(effects) != std::string::npos);
    text.erase(text.find(effects), effects.size());
    CHECK(decode(text) == example());
}

TEST_CASE("a plan that nobody could wait for is none") {
    std::string text = encodeState(example());
    const std::string effects = "\"effects\":0,";
    text.replace(text.find(effects), effects.size(), "\"effects\":9223372036854775807,");
    const auto state = decode(text);
    REQUIRE(state);
    CHECK(!state->wanted.kept);
}

TEST_CASE("a project names models, and no files, addresses or downloads") {
    for (const char* name : {"spectral", "htdemucs_6s", "fake:rate=44100,delay=100", "new-model2"})
        CHECK(isModelName(name));
    for (const char* name : {"", "/etc/x", "../x", "a.th", "C:\\x", "tcp://x", "a b", "\n", "é"})
        CHECK(!isModelName(name));
    CHECK(!isModelName(std::string(65, 'a')));
    const auto state = decode(R"({"stem_bridge":1,"wanted":{"model":"/tmp/evil.th"}})");
    REQUIRE(state);
    CHECK(state->wanted == Wanted{});
}

TEST_CASE("a damaged plan is left out, and the rest is taken") {
    const std::string whole = encodeState(example());
    std::string damaged = whole;
    const std::size_t at = damaged.find("\"hop\":");
    damaged.replace(at, 6, "\"hup\":");
    const auto state = decode(damaged);
    REQUIRE(state);
    CHECK(state->wanted.model == "htdemucs");
    CHECK(!state->wanted.kept);
    CHECK(state->parameters == example().parameters);
}

TEST_CASE("no bytes break it, and what is read is within bounds") {
    std::mt19937 random(1);
    const std::string whole = encodeState(example());
    const std::string letters = "{}[]\",:0123456789-e.\x80\xff\\u";
    for (int round = 0; round < 50'000; ++round) {
        std::string text = whole;
        for (auto changes = random() % 8; changes > 0; --changes) {
            const std::size_t at = random() % text.size();
            switch (random() % 4) {
                case 0:
                    text[at] = static_cast<char>(random());
                    break;
                case 1:
                    text[at] = letters[random() % letters.size()];
                    break;
                case 2:
                    text.erase(at, random() % 40);
                    break;
                default:
                    text.insert(at, text.substr(random() % text.size(), random() % 40));
            }
            if (text.empty()) break;
        }
        auto state = decode(text);
        if (!state) continue;
        state->isNewer = false;  // which is not written
        CHECK(isModelName(state->wanted.model));
        CHECK(state->wanted.latencyUs >= 0);
        if (state->wanted.kept)
            CHECK(latencyOf(state->wanted.kept->plan, state->wanted.kept->rate) > 0);
        CHECK(decode(encodeState(*state)) == state);
    }
}
