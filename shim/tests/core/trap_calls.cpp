// System calls: the kernel hands those of a watched thread to us, wherever they come from.
#include "trap.h"
#include "trap_notes.h"

#if defined(STEMBRIDGE_TRAPS_ALL) && defined(__x86_64__)
#include <sys/prctl.h>
#endif

#ifdef PR_SET_SYSCALL_USER_DISPATCH

#include <cerrno>
#include <csignal>
#include <ucontext.h>
#include <unistd.h>

namespace {

constexpr char kLet = SYSCALL_DISPATCH_FILTER_ALLOW, kStop = SYSCALL_DISPATCH_FILTER_BLOCK;

// Read by the kernel at every system call of the thread.
thread_local volatile char mode = kLet;
thread_local long last = -1;

void onSystemCall(int, siginfo_t* info, void* context) {
    // First, as the way back from here is a system call too.
    mode = kLet;
    last = info->si_syscall;
    stembridge::trap::note();
    // It is made after all, so that what follows makes sense.
    greg_t* const registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    const long result = syscall(last, registers[REG_RDI], registers[REG_RSI], registers[REG_RDX],
                                registers[REG_R10], registers[REG_R8], registers[REG_R9]);
    registers[REG_RAX] = result == -1 ? -errno : result;
}

bool enable() {
    struct sigaction action {};
    action.sa_sigaction = onSystemCall;
    action.sa_flags = SA_SIGINFO;
    return sigaction(SIGSYS, &action, nullptr) == 0 &&
           prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &mode) == 0;
}

bool isEnabled() {
    thread_local const bool enabled = enable();
    return enabled;
}

}  // namespace

namespace stembridge {

bool Trap::seesSystemCalls() { return isEnabled(); }

long Trap::systemCall() { return last; }

void trap::stopSystemCalls() {
    if (isEnabled()) mode = kStop;
}

void trap::letSystemCalls() { mode = kLet; }

}  // namespace stembridge

#else

namespace stembridge {

bool Trap::seesSystemCalls() { return false; }

long Trap::systemCall() { return -1; }

void trap::stopSystemCalls() {}

void trap::letSystemCalls() {}

}  // namespace stembridge

#endif
