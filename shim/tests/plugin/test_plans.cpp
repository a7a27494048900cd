/// Which plan an instance plays by, and which its project keeps.
#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "grantor.h"
#include "plugin/player.h"

using namespace stembridge;

namespace {

constexpr std::int64_t kRate = 48'000, kBlock = 64, kBounced = 8192;
constexpr const char* kRuntime = "STEMBRIDGE_RUNTIME_DIR";

// The plan that was saved, or else one that a machine of another speed would choose.
void grant(const protocol::Configure& wish, protocol::Configured& granted) {
    protocol::SavedPlan chosen = defaultPlan({wish.rate, wish.block});
    chosen.computeUs *= 3;
    granted.plan = wish.saved.value_or(chosen);
    granted.latency = latencyOf(granted.plan, wish.rate);
}

// Where instances look for a sidecar, as long as it lives.
class Runtime {
public:
    explicit Runtime(const Folder& folder) : before_(std::getenv(kRuntime)) {
        setenv(kRuntime, (folder.path() / "r").c_str(), 1);
    }
    ~Runtime() { setenv(kRuntime, before_.c_str(), 1); }

private:
    std::string before_;
};

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
    CHECK(told == latencyOf(forBlocks(project.kept->plan, kBounced), kRate));
    CHECK(told > saved);
    Grantor server(folder, grant);
    REQUIRE(isGranted(player, server, kBounced));
    CHECK(player.latency() == told);
    player.prepare({kRate, kBlock}, 2, false);
    CHECK(player.latency() == saved);
    CHECK(player.wanted() == project);
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
