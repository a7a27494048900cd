#include "link/starter.h"

#include <algorithm>

#include "link/connection.h"
#include "link/plugin_file.h"

namespace stembridge::link {
namespace {

constexpr std::int64_t kLookUs = 50'000;         // between two looks at a start
constexpr std::int64_t kPatienceUs = 60'000'000; // a cold disk takes its time to load Python
constexpr std::int64_t kPauseUs = 1'000'000;     // after a failure, doubled each time
constexpr std::int64_t kLongestPauseUs = 60'000'000;

}  // namespace

Starter::~Starter() {
    if (starting_ && child_) {
        endNow(*child_);
    }
}

void Starter::want(std::int64_t nowUs) {
    tend(nowUs);
    if (!starting_ && nowUs >= dueUs_) {
        start(nowUs);
    }
}

void Starter::tend(std::int64_t nowUs) {
    std::optional<int> status;
    if (child_) {
        status = endOf(*child_);
        if (status) {
            child_.reset();
        }
    }
    if (!starting_) {
        return;
    }
    const std::string log = (folders_.runtime / "sidecar.log").string();
    if (status && *status != 0) {
        finish(nowUs, "the sidecar could not be started (status " + std::to_string(*status) +
                          "); see " + log);
    } else if (nowUs >= dueUs_) {
        dueUs_ = nowUs + kLookUs;
        if (readConnection(folders_.runtime)) {
            finish(nowUs, "");
        } else if (nowUs - beganUs_ > kPatienceUs) {
            finish(nowUs, "the sidecar was started but does not come up; see " + log);
        }
    }
}

void Starter::start(std::int64_t nowUs) {
    elsewhere_ = false;
    dueUs_ = nowUs + kPauseUs;
    if (child_) {
        problem_ = "the sidecar that was started is there but does not answer; end process " +
                   std::to_string(child_->pid);
        return;
    }
    const Outcome<PluginFile> allowed = readPluginFile(folders_.config);
    if (!allowed) {
        problem_ = allowed.problem().text;
        return;
    }
    if (allowed->command.empty()) {
        problem_ = "no sidecar is running; start one by `stembridge serve`, or let the plug-in do so "
                   "by `stembridge plugin install`";
        return;
    }
    if (const auto problem = makePrivateFolder(folders_.runtime)) {
        problem_ = problem->text;
        return;
    }
    problem_.clear();
    if (!lock_.take(folders_.runtime / "start.lock")) {
        elsewhere_ = true;
        dueUs_ = nowUs + kLookUs;
        return;
    }
    const Outcome<Connection> found = readConnection(folders_.runtime);
    if (found || !found.problem().absent) {  // somebody was faster, or it is not ours to replace
        lock_.release();
        return;
    }
    starting_ = true;
    beganUs_ = nowUs;
    dueUs_ = nowUs + kLookUs;
    ++starts_;
    const Outcome<Child> child =
        startProgram(allowed->command, folders_.runtime / "sidecar.log");
    if (child) {
        child_ = *child;
    } else {
        finish(nowUs, child.problem().text);
    }
}

void Starter::finish(std::int64_t nowUs, std::string problem) {
    starting_ = false;
    lock_.release();
    if (problem.empty()) {
        failures_ = 0;
    } else {
        dueUs_ = nowUs + std::min(kPauseUs << std::min<std::int64_t>(failures_, 6), kLongestPauseUs);
        ++failures_;
    }
    problem_ = std::move(problem);
}

}  // namespace stembridge::link
