/// Which plan an instance plays by, and which its project keeps.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "grantor.h"
#include "plugin/player.h"
#include "runtime.h"

using namespace stembridge;

namespace {

constexpr std::int64_t kRate = 48'000, kBlock = 64, kBounced = 8192;
constexpr const char* kConfig = "STEMBRIDGE_CONFIG_DIR";

// The plan that was saved, or else one that a machine of another speed would choose.
void grant(const protocol::Configure& wish, protocol::Configured& granted) {
    protocol::SavedPlan chosen = defaultPlan({wish.rate, wish.block});
    chosen.computeUs *= 3;
    granted.plan = wish.saved.value_or(chosen);
    granted.latency = latencyOf(granted.plan, wish.rate);
}

// Plays in real time until `isTrue`.
bool becomes(Player& player, std::int64_t block, const std::function<bool()>& isTrue) {
    const std::vector<float> sound(static_cast<std::size_t>(block), 0.5F);
    const std::array<const float*, 2> rows{sound.data(), sound.data()};
    for (int i = 0; i < 4000 && !isTrue(); ++i) {
        player.process(rows.data(), Outputs{}, block, Controls{}, {false, Offline::Never});
        player.follow();
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return isTrue();
}

// Prepares for blocks of that size and plays until a plan for just these is granted.
bool isGranted(Player& player, const Grantor& server, std::int64_t block) {
    const int before = server.grants;
    player.prepare({kRate, block}, 2, false);
    return becomes(player, block, [&] {
        const std::optional<KeptPlan> kept = player.wanted().kept;
        return server.grants > before && kept && kept->plan.block == block;
    });
}

}  // namespace

TEST_CASE("after larger blocks, as of a bounce, the project's plan is in force again") {
    for (const std::string& model : {std::string(kDefaultModel), std::string("another")}) {
        const Folder folder;
        const Runtime runtime(folder);
        Player player("host");
        Grantor server(folder, grant);
        Wanted wanted;
        wanted.model = model;
        player.want(wanted);
        REQUIRE(isGranted(player, server, kBlock));
        const Wanted project = player.wanted();
        const std::int64_t latency = player.latency();
        CHECK(latency == latencyOf(project.kept->plan, kRate));

        for (int round = 0; round < 2; ++round) {
            REQUIRE(isGranted(player, server, kBounced));
            CHECK(player.latency() > latency);
            CHECK(player.latencyFor({kRate, kBlock}) == latency);
            player.prepare({kRate, kBlock}, 2, false);
            CHECK(player.latency() == latency);
            CHECK(player.wanted() == project);
        }
        REQUIRE(isGranted(player, server, kBlock));
        CHECK(player.wanted() == project);
        CHECK(player.latency() == latency);
    }
}

TEST_CASE("a project whose blocks have become larger for good opens with the latency it had") {
    const Folder folder;
    const Runtime runtime(folder);
    Player player("host");
    Grantor server(folder, grant);
    Wanted wanted;
    wanted.model = "another";
    player.want(wanted);
    REQUIRE(isGranted(player, server, kBlock));
    REQUIRE(isGranted(player, server, kBounced));

    Player reopened("host");
    reopened.restore(player.wanted());
    reopened.prepare({kRate, kBounced}, 2, false);
    CHECK(reopened.latency() == player.latency());
    CHECK(reopened.wanted() == player.wanted());
}

TEST_CASE("the latency for larger blocks than a project was saved with is known at once, and final") {
    const Folder folder;
    const Runtime runtime(folder);
    Wanted project;
    project.model = "another";
    project.kept = KeptPlan{kRate, defaultPlan({kRate, kBlock})};
    project.kept->plan.computeUs *= 7;
    const std::int64_t saved = latencyOf(project.kept->plan, kRate);

    Player player("host");
    player.restore(project);
    player.prepare({kRate, kBounced}, 2, true);
    const std::int64_t told = player.latency();
    CHECK(told == latencyOf(*forHost(project.kept->plan, kRate, {kRate, kBounced}), kRate));
    CHECK(told > saved);
    Grantor server(folder, grant);
    REQUIRE(isGranted(player, server, kBounced));
    CHECK(player.latency() == told);
    player.prepare({kRate, kBlock}, 2, false);
    CHECK(player.latency() == saved);
    CHECK(player.wanted() == project);
}

TEST_CASE("a project at another rate than it was saved with has its latency at once, and keeps its plan") {
    const Folder folder;
    const Runtime runtime(folder);
    for (const std::int64_t modelRate : {std::int64_t{44'100}, kRate}) {  // of a network, of spectral
        Wanted project;
        project.model = "another";
        project.kept = KeptPlan{kRate, defaultPlan({kRate, kBlock})};
        project.kept->plan.modelRate = modelRate;
        project.kept->plan.computeUs *= 7;
        const std::int64_t saved = latencyOf(project.kept->plan, kRate);
        Player player("host");
        player.restore(project);
        player.prepare({2 * kRate, kBlock}, 2, false);
        const std::int64_t told = player.latency();
        CHECK(told > saved * 3 / 2);
        CHECK(told < 2 * saved);  // the block is no longer than before
        Grantor server(folder, grant);
        REQUIRE(becomes(player, kBlock, [&] { return player.status().agreements > 0; }));
        REQUIRE(becomes(player, kBlock, [&] { return player.status().agreed->latency == told; }));
        CHECK(player.latency() == told);
        CHECK(player.wanted().kept->rate == 2 * kRate);
        player.prepare({kRate, kBlock}, 2, false);
        CHECK(player.latency() == saved);
        CHECK(player.wanted() == project);
    }
}

TEST_CASE("a plan that was guessed and is refused gives way to one of the sidecar's") {
    const Folder folder;
    const Runtime runtime(folder);
    Wanted project;
    project.model = "another";
    project.kept = KeptPlan{2 * kRate, defaultPlan({2 * kRate, kBlock})};
    for (const Wanted& wanted : {Wanted{}, project}) {
        Player player("host");
        player.restore(wanted);
        Grantor server(folder, [](const protocol::Configure& wish, protocol::Configured& granted) {
            if (!wish.saved) grant(wish, granted);
        });
        server.code = "plan";
        player.prepare({kRate, kBlock}, 2, false);
        const std::int64_t told = player.latency();
        REQUIRE(becomes(player, kBlock, [&] { return player.latency() != told; }));
        CHECK(player.latency() == player.status().agreed->latency);
        // The project's own was never looked at.
        if (wanted.kept) {
            player.prepare({2 * kRate, kBlock}, 2, false);
            CHECK(player.wanted() == project);
        }
    }
}

TEST_CASE("a fresh instance has the time that this machine was measured to need") {
    const Folder folder;
    const Runtime runtime(folder);
    const Player before("host");
    const std::string entry =
        R"({"key":{"model":"spectral","rate":"48000","context":"0","lookahead":"-1",)"
        R"("measured":"full"},"typical_us":9000,"worst_us":35000})";
    folder.write("c/calibration.json", R"({"version":3,"entries":[)" + entry + "]}");
    const char* const usual = std::getenv(kConfig);
    const std::string kept(usual);
    setenv(kConfig, (folder.path() / "c").c_str(), 1);
    Player player("host");
    setenv(kConfig, kept.c_str(), 1);
    CHECK(player.latencyFor({kRate, kBlock}) ==
          before.latencyFor({kRate, kBlock}) + 25 * kRate / 1000);
    CHECK(player.latencyFor({44'100, kBlock}) == before.latencyFor({44'100, kBlock}));
    Grantor server(folder, grant);
    REQUIRE(isGranted(player, server, kBlock));
    CHECK(player.wanted().kept->plan.computeUs == 35'000);
}

TEST_CASE("a render that begins before a latency is known keeps the one that its host was told") {
    const Folder folder;
    const Runtime runtime(folder);
    Grantor server(folder, grant);
    Player player("host");
    Wanted wanted;
    wanted.model = "another";
    player.restore(wanted);
    player.prepare({kRate, kBlock}, 2, true);
    const std::int64_t told = player.latency();
    std::vector<float> input, heard;
    const auto render = [&](std::int64_t frames) {
        std::vector<float> block(kBlock), out(kBlock);
        for (std::int64_t done = 0; done < frames; done += kBlock) {
            for (float& sample : block) sample = static_cast<float>(input.size() % 1009), input.push_back(sample);
            Outputs to;
            to.main = {out.data(), out.data()};
            const std::array<const float*, 2> rows{block.data(), block.data()};
            player.process(rows.data(), to, kBlock, Controls{}, {true, Offline::Auto});
            player.follow();
            heard.insert(heard.end(), out.begin(), out.end());
        }
    };
    render(2 * kRate);
    REQUIRE(server.grants == 1);  // it waited for that, so that the next one has stems
    CHECK(player.latency() == told);
    CHECK(player.incompleteFrames() > kRate);
    std::int64_t wrong = 0;
    for (std::size_t frame = 0; frame < heard.size(); ++frame) {
        const auto from = static_cast<std::int64_t>(frame) - told;
        wrong += heard[frame] != (from < 0 ? 0.0F : input[static_cast<std::size_t>(from)]);
    }
    CHECK(wrong == 0);
    player.prepare({kRate, kBlock}, 2, true);
    CHECK(player.latency() != told);
    CHECK(player.latency() == player.status().agreed->latency);
}

TEST_CASE("a burst that the granted plan was made for is no render") {
    constexpr std::int64_t kBurst = kRate / 2;
    const Folder folder;
    const Runtime runtime(folder);
    Grantor server(folder, [](const protocol::Configure& wish, protocol::Configured& granted) {
        grant(wish, granted);
        granted.plan.burst = kBurst;
        granted.latency = latencyOf(granted.plan, wish.rate);
    });
    Player player("host");
    Wanted wanted;
    wanted.model = "another";
    player.want(wanted);
    player.prepare({kRate, kBlock}, 2, false);
    REQUIRE(becomes(player, kBlock, [&] {
        const auto kept = player.wanted().kept;
        return kept && kept->plan.burst == kBurst;
    }));
    const std::vector<float> sound(kBlock, 0.5F);
    const std::array<const float*, 2> rows{sound.data(), sound.data()};
    const auto play = [&](std::int64_t frames, Offline choice) {
        for (std::int64_t done = 0; done < frames; done += kBlock)
            player.process(rows.data(), Outputs{}, kBlock, Controls{}, {false, choice, kBlock});
    };
    // Until stems are due, none of which ever come; slow enough for the link.
    for (std::int64_t done = 0; done < 2 * player.latency(); done += 20 * kBlock) {
        play(20 * kBlock, Offline::Never);
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    double least = 1;
    for (int burst = 0; burst < 3 && least >= 0.25; ++burst) {
        play(kBlock, Offline::Never);  // so that the host is not ahead
        const auto began = std::chrono::steady_clock::now();
        play(kBurst - 4 * kBlock, Offline::Auto);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
        least = std::min(least, took.count());
    }
    CHECK(least < 0.25);  // made to wait, it would take twice as long
}

TEST_CASE("whoever prepares anew does not wait for a render that waits") {
    const Folder folder;
    const Runtime runtime(folder);
    Grantor server(folder, grant);  // and gives no stems: a render has the patience of half a minute
    Player player("host");
    player.prepare({kRate, kBlock}, 2, true);
    std::atomic<bool> isOver{false};
    std::thread renders([&] {
        const std::vector<float> sound(kBlock, 0.5F);
        const std::array<const float*, 2> rows{sound.data(), sound.data()};
        for (int i = 0; i < kRate / kBlock && !isOver; ++i)
            player.process(rows.data(), Outputs{}, kBlock, Controls{}, {true, Offline::Auto});
        isOver = true;
    });
    for (int i = 0; i < 400 && server.credits == 0; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    REQUIRE(server.credits > 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    CHECK(!isOver);
    const auto began = std::chrono::steady_clock::now();
    isOver = true;  // the block that waits is the last one
    player.prepare({kRate, 2 * kBlock}, 2, true);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    renders.join();
    CHECK(took.count() < 5);
}

TEST_CASE("what goes on after a refused choice is no plan for that choice") {
    const Folder folder;
    const Runtime runtime(folder);
    Player player("host");
    Grantor server(folder, [](const protocol::Configure& wish, protocol::Configured& granted) {
        if (wish.model != "nobody-has-it") grant(wish, granted);
    });
    REQUIRE(isGranted(player, server, kBlock));
    const int before = server.grants;
    Wanted wanted = player.wanted();
    wanted.model = "nobody-has-it";
    wanted.kept.reset();
    player.want(wanted);
    REQUIRE(becomes(player, kBlock, [&] {
        return !player.status().refusal.empty() && server.grants > before;
    }));
    REQUIRE(becomes(player, kBlock, [&] { return player.status().agreements > before; }));
    player.follow();
    CHECK(player.wanted() == wanted);
}
