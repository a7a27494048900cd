#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <thread>

#include "core/handover.h"

using namespace stembridge;

namespace {

std::atomic<int> alive{0};

struct Passed {
    explicit Passed(int which) : number(which) { ++alive; }
    ~Passed() { --alive; }

    int number;
    int uses = 0;  // the taking thread's alone
    Passed* next = nullptr;
};

}  // namespace

TEST_CASE("the newest is taken, and everything is deleted by the thread that made it") {
    alive = 0;
    {
        Handover<Passed> handover;
        REQUIRE(handover.take() == nullptr);
        handover.give(std::make_unique<Passed>(1));
        handover.give(std::make_unique<Passed>(2));
        REQUIRE(alive == 1);
        Passed* const taken = handover.take();
        REQUIRE(taken->number == 2);
        REQUIRE(handover.take() == nullptr);
        handover.giveBack(taken);
        REQUIRE(alive == 1);
        handover.collect();
        REQUIRE(alive == 0);
        handover.give(std::make_unique<Passed>(3));
        handover.giveBack(handover.take());
        handover.give(std::make_unique<Passed>(4));
    }
    REQUIRE(alive == 0);
}

TEST_CASE("two threads: what is taken is the taker's, and nothing is lost") {
    alive = 0;
    {
        Handover<Passed> handover;
        std::atomic<bool> isOver{false};
        std::thread taker([&] {
            Passed* current = nullptr;
            int last = 0;
            while (!isOver) {
                if (Passed* const next = handover.take()) {
                    if (current != nullptr) handover.giveBack(current);
                    current = next;
                    if (current->number <= last) std::abort();
                    last = current->number;
                }
                if (current != nullptr) ++current->uses;
            }
            if (current != nullptr) handover.giveBack(current);
        });
        for (int number = 1; number <= 20'000; ++number) {
            handover.give(std::make_unique<Passed>(number));
            if (number % 3 == 0) std::this_thread::yield();
        }
        isOver = true;
        taker.join();
    }
    REQUIRE(alive == 0);
}
