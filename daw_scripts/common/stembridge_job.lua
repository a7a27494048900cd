-- Runs `stembridge bounce --json` beside a DAW: finds the command, starts it in the background, reads
-- its events and its manifest, cancels it. Lua 5.3 or newer; knows no DAW.
--
--   local job = dofile("stembridge_job.lua")(json, host)
--
-- json: what stembridge_json.lua gives. host: what a DAW has of its own:
--   windows, macos   true where it runs there
--   execute(command) Windows only: starts a command line and does not wait for it
--
-- A file's name reaches the command as one quoted word of a script that is written to a file, never
-- as part of a command line.
return function(json, host)
  local job = {}
  local slash = host.windows and "\\" or "/"

  function job.join(...) return table.concat({ ... }, slash) end

  function job.read(path)
    local file = io.open(path, "rb")
    if not file then return nil end
    local text = file:read("a")
    file:close()
    return text
  end

  function job.write(path, text)
    local file, why = io.open(path, "wb")
    if not file then error(("%s cannot be written: choose another folder"):format(why), 0) end
    local done = file:write(text)
    -- A full disk may show only when the file is closed.
    if not (file:close() and done) then error(path .. " cannot be written: free some space", 0) end
  end

  function job.exists(path)
    local file = io.open(path, "rb")
    if file then file:close() end
    -- Windows opens no folders.
    return (file or os.rename(path, path)) and true or false
  end

  -- A path below `folder` that nothing has yet.
  function job.fresh(folder, name)
    local path, count = job.join(folder, name), 1
    while job.exists(path) do
      count = count + 1
      path = job.join(folder, name .. " " .. count)
    end
    return path
  end

  -- The folder that `stembridge plugin install` writes plugin.json into: what platformdirs says.
  local function config_folder()
    local given = os.getenv("STEMBRIDGE_CONFIG_DIR") or ""
    if given ~= "" then return given end
    local home = os.getenv("HOME") or ""
    if host.windows then return job.join(os.getenv("LOCALAPPDATA") or "", "stembridge") end
    if host.macos then return home .. "/Library/Application Support/stembridge" end
    local config = os.getenv("XDG_CONFIG_HOME") or ""
    return (config ~= "" and config or home .. "/.config") .. "/stembridge"
  end

  -- The words that start `stembridge`, by what plugin.json has for the sidecar; nil where it has none.
  local function recorded(path)
    local read, said = pcall(json.decode, job.read(path) or "")
    local command = read and type(said) == "table" and said.command
    local words = {}
    for _, word in ipairs(type(command) == "table" and command or {}) do
      if type(word) ~= "string" then return nil end
      words[#words + 1] = word
      if word == "bridge.cli.main" then return job.exists(words[1]) and words or nil end
    end
    return nil
  end

  local function on_path()
    local name = host.windows and "stembridge.exe" or "stembridge"
    for folder in (os.getenv("PATH") or ""):gmatch(host.windows and "[^;]+" or "[^:]+") do
      local path = job.join(folder, name)
      if folder:find(host.windows and "^%a:" or "^/") and job.exists(path) then return { path } end
    end
    return nil
  end

  -- The words that start `stembridge`: `given` (a path) if there is one, else what `stembridge plugin
  -- install` wrote down, else what is on the PATH. Raises what to do where there is none.
  function job.find_command(given)
    if given ~= "" then
      if job.exists(given) then return { given } end
      error(("stembridge is not at %s, which `command` at the top of the script says."):format(given), 0)
    end
    local file = job.join(config_folder(), "plugin.json")
    local found = recorded(file) or on_path()
    if found then return found end
    error(("The stembridge command was not found. %s, which `stembridge plugin install` writes, names "
      .. "none that is there, and no folder of PATH has it. Run `stembridge plugin install` once in a "
      .. "terminal, or write its path as `command` at the top of the script."):format(file), 0)
  end

  -- The words of one bounce. span: {from, to} in frames at `rate`, of the whole input where it is nil.
  function job.arguments(options, input, output, span, rate)
    local words = { table.unpack(options.found) }
    local function add(...)
      for _, word in ipairs({ ... }) do words[#words + 1] = word end
    end
    add("bounce", input, "-o", output, "--json", "--format", options.format)
    -- What is typed goes before the preset, config.toml and the environment.
    if options.model ~= "" then add("-m", options.model) end
    -- Ardour keeps a user's copy of an older script, which has no such option.
    if (options.preset or "") ~= "" then add("--preset", options.preset) end
    if options.bits ~= "" then add("--bits", options.bits) end
    if #options.stems > 0 then add("--stems", table.concat(options.stems, ",")) end
    if span then
      -- Nine digits are finer than a thousandth of a frame, and `bounce` takes the nearest frame.
      add("--start", ("%.9f"):format(span[1] / rate), "--end", ("%.9f"):format(span[2] / rate))
    end
    add(table.unpack(options.extra))
    return words
  end

  function job.quote(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

  local function shell_script(words, files)
    local quoted = {}
    for _, word in ipairs(words) do quoted[#quoted + 1] = job.quote(word) end
    return ([[
%s </dev/null >%s 2>%s &
echo $! >%s
wait $!
status=$?
echo $status >%s
]]):format(table.concat(quoted, " "), job.quote(files.events), job.quote(files.words), job.quote(files.pid), job.quote(files.status))
  end

  -- For PowerShell, whose 'words' hold no variables, and which joins those of a command by spaces.
  local function power_script(words, files)
    -- It takes typographic quotes, U+2018 to U+201B, for the same as '.
    local function literal(word)
      return "'" .. word:gsub("'", "''"):gsub("\xE2\x80[\x98-\x9B]", "%0%0") .. "'"
    end
    local quoted = {}
    for index = 2, #words do
      -- By the rules of Windows' C library; the name of a file has no " there.
      quoted[#quoted + 1] = literal('"' .. words[index]:gsub("(\\+)$", "%1%1") .. '"')
    end
    return "\xEF\xBB\xBF" .. ([[
$run = Start-Process -PassThru -NoNewWindow -FilePath %s -ArgumentList @(%s) -RedirectStandardOutput %s -RedirectStandardError %s
$null = $run.Handle
Set-Content -LiteralPath %s -Value $run.Id
$run.WaitForExit()
Set-Content -LiteralPath %s -Value $run.ExitCode
]]):format(literal(words[1]), table.concat(quoted, ", "), literal(files.events), literal(files.words),
      literal(files.pid), literal(files.status))
  end

  local Run = {}
  Run.__index = Run

  -- Starts a bounce. folder: an existing one, for its files; `run:clean` removes them.
  function job.start(words, folder)
    local files = { script = job.join(folder, host.windows and "run.ps1" or "run.sh") }
    for _, name in ipairs({ "events", "words", "pid", "status" }) do files[name] = job.join(folder, name) end
    local run = setmetatable({ files = files, fraction = 0, warnings = {}, read = 0 }, Run)
    run:clean()
    job.write(files.script, (host.windows and power_script or shell_script)(words, files))
    if host.windows then
      host.execute(('powershell.exe -NoProfile -ExecutionPolicy Bypass -WindowStyle Hidden -File "%s"')
        :format(files.script))
    else
      os.execute("/bin/sh " .. job.quote(files.script) .. " </dev/null >/dev/null 2>&1 &")
    end
    return run
  end

  function Run:clean()
    for _, path in pairs(self.files) do os.remove(path) end
  end

  function Run:take(event)
    if event.event == "progress" then
      self.fraction = event.windows / math.max(event.total_windows, 1)
    elseif event.event == "warning" then
      self.warnings[#self.warnings + 1] = event.message
    elseif event.event == "done" then
      self.done = event
    elseif event.event == "error" then
      self.message = event.message
    end
  end

  -- Reads what has come. Returns "running", "done" (then `run.done` is the event) or "failed"
  -- (`run.message` says why; where it was cancelled there is none).
  function Run:poll()
    local ended = (job.read(self.files.status) or ""):match("^%s*(-?%d+)%s*\n")
    local text = job.read(self.files.events) or ""
    for line, stop in text:sub(self.read + 1):gmatch("([^\n]*)\n()") do
      self.next = self.read + stop - 1
      local read, event = pcall(json.decode, line)
      if read and type(event) == "table" then self:take(event) end
    end
    self.read = self.next or self.read
    if not ended then
      self:end_where_asked()
      return "running"
    end
    if tonumber(ended) == 0 and self.done then return "done" end
    if self.cancelled then
      self.message = nil
    elseif not self.message then
      local last = (job.read(self.files.words) or ""):match("([^\r\n]+)%s*$")
      self.message = last or ("stembridge ended with status %s and said nothing"):format(ended)
    end
    return "failed"
  end

  -- Asks the bounce to end; go on polling until it has.
  function Run:cancel()
    self.cancelled = true
    self:end_where_asked()
  end

  function Run:end_where_asked()
    local pid = (job.read(self.files.pid) or ""):match("^%s*(%d+)%s*\n")
    if not (self.cancelled and pid) or self.told then return end
    self.told = true
    if host.windows then
      host.execute("taskkill.exe /T /F /PID " .. pid)
    else
      os.execute("kill -TERM " .. pid .. " 2>/dev/null")
    end
  end

  -- What a `done` event gave, stems and then a preset's mixes in the order of the manifest, which comes
  -- second: {name, path, frames} of each. Raises where there is none.
  function job.stems(done)
    local path = done.files.manifest
    local read, manifest = pcall(json.decode, job.read(path) or "")
    if not read then error(path .. " cannot be read: bounce again", 0) end
    local stems = {}
    for _, kind in ipairs({ "stems", "mixes" }) do
      for _, stem in ipairs(manifest[kind] or {}) do
        stems[#stems + 1] = { name = stem.name, path = done.files[stem.name], frames = stem.frames }
      end
    end
    if #stems == 0 then error(path .. " names no stem and no mix: choose other stems or another preset", 0) end
    return stems, manifest
  end

  return job
end
