#define NOMINMAX
#include <windows.h>

#include "link/process.h"

namespace stembridge::link {
namespace {

std::wstring wide(const std::string& text) {
    const int count = MultiByteToWideChar(CP_UTF8, 0, text.data(), static_cast<int>(text.size()),
                                          nullptr, 0);
    std::wstring result(static_cast<std::size_t>(count), L'\0');
    MultiByteToWideChar(CP_UTF8, 0, text.data(), static_cast<int>(text.size()), result.data(), count);
    return result;
}

// One argument as CommandLineToArgvW reads it back.
std::wstring quoted(const std::wstring& text) {
    std::wstring result = L"\"";
    std::size_t slashes = 0;
    for (const wchar_t letter : text) {
        if (letter == L'"') {
            result.append(slashes + 1, L'\\');
        }
        slashes = letter == L'\\' ? slashes + 1 : 0;
        result += letter;
    }
    return result.append(slashes, L'\\') + L'"';
}

}  // namespace

std::vector<std::string> sidecarEnvironment() {
    std::vector<std::string> kept;
    for (char** entry = _environ; entry != nullptr && *entry != nullptr; ++entry) {
        std::string text = *entry;
        std::string name = text.substr(0, text.find('='));
        for (char& letter : name) {
            letter = static_cast<char>(toupper(static_cast<unsigned char>(letter)));
        }
        if (isForSidecar(name) || name == "PATH") {
            kept.push_back(std::move(text));
        }
    }
    return kept;
}

Outcome<Child> startProgram(const std::vector<std::string>& command,
                            const std::filesystem::path& log) {
    std::wstring line;
    for (const std::string& argument : command) {
        line += (line.empty() ? L"" : L" ") + quoted(wide(argument));
    }
    std::wstring block;
    for (const std::string& entry : sidecarEnvironment()) {
        block += wide(entry) + L'\0';
    }
    block += L'\0';
    SECURITY_ATTRIBUTES inherited{sizeof inherited, nullptr, TRUE};
    HANDLE output = CreateFileW(log.c_str(), GENERIC_WRITE, FILE_SHARE_READ, &inherited,
                                CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, nullptr);
    // Only this handle is handed on, whatever else the host has made inheritable.
    SIZE_T size = 0;
    InitializeProcThreadAttributeList(nullptr, 1, 0, &size);
    std::vector<char> space(size);
    auto* list = reinterpret_cast<LPPROC_THREAD_ATTRIBUTE_LIST>(space.data());
    InitializeProcThreadAttributeList(list, 1, 0, &size);
    UpdateProcThreadAttribute(list, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, &output, sizeof output,
                              nullptr, nullptr);
    STARTUPINFOEXW how{};
    how.StartupInfo.cb = sizeof how;
    how.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    how.StartupInfo.hStdOutput = how.StartupInfo.hStdError = output;
    how.lpAttributeList = list;
    PROCESS_INFORMATION made{};
    const BOOL good = CreateProcessW(
        wide(command[0]).c_str(), line.data(), nullptr, nullptr, TRUE,
        CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP | CREATE_UNICODE_ENVIRONMENT |
            EXTENDED_STARTUPINFO_PRESENT,
        block.data(), L"C:\\", &how.StartupInfo, &made);
    DeleteProcThreadAttributeList(list);
    CloseHandle(output);
    if (!good) {
        return Problem{command[0] + " cannot be started (error " + std::to_string(GetLastError()) +
                       "); run `stembridge plugin install` again"};
    }
    CloseHandle(made.hThread);
    return Child{static_cast<std::int64_t>(made.dwProcessId),
                 reinterpret_cast<std::intptr_t>(made.hProcess)};
}

std::optional<int> endOf(Child& child) {
    DWORD status = 0;
    HANDLE process = reinterpret_cast<HANDLE>(child.handle);
    GetExitCodeProcess(process, &status);
    if (status == STILL_ACTIVE) {
        return std::nullopt;
    }
    CloseHandle(process);
    return static_cast<int>(status);
}

void endNow(Child& child) {
    HANDLE process = reinterpret_cast<HANDLE>(child.handle);
    TerminateProcess(process, 1);
    CloseHandle(process);
}

bool isRunning(std::int64_t pid) {
    HANDLE process = OpenProcess(SYNCHRONIZE, FALSE, static_cast<DWORD>(pid));
    if (process == nullptr) {
        return false;
    }
    const bool runs = WaitForSingleObject(process, 0) == WAIT_TIMEOUT;
    CloseHandle(process);
    return runs;
}

}  // namespace stembridge::link
