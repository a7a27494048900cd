-- lua5.4 job.lua COMMON CALL: calls for test_common.py. Reads a Lua value from the file CALL.
local common, call = arg[1], dofile(arg[2])
local json = dofile(common .. "/stembridge_json.lua")

local function encode(value)
  if value == json.null then return "null" end
  if type(value) == "string" then
    return '"' .. value:gsub('[%c"\\]', function(c) return ("\\u%04x"):format(c:byte()) end) .. '"'
  end
  if type(value) == "number" then return ("%.17g"):format(value) end
  if type(value) ~= "table" then return tostring(value) end
  local parts, is_list = {}, #value > 0
  for name, part in pairs(value) do
    parts[#parts + 1] = is_list and encode(part) or encode(name) .. ":" .. encode(part)
  end
  return (is_list and "[" or "{") .. table.concat(parts, ",") .. (is_list and "]" or "}")
end

local host = call.host or {}
local job = dofile(common .. "/stembridge_job.lua")(json, host)
local answers = {}
for _, text in ipairs(call.decode or {}) do
  local done, said = pcall(json.decode, text)
  answers[#answers + 1] = encode(done and { value = said } or { error = said })
end
for _, span in ipairs(call.spans or {}) do
  local options = { found = { "stembridge" }, model = "m", format = "wav", bits = "", stems = {}, extra = {} }
  answers[#answers + 1] = encode(job.arguments(options, "in", "out", { span[1], span[2] }, span[3]))
end
if call.arguments then answers[1] = encode(job.arguments(call.arguments, "in", "out")) end
if call.find then
  local done, said = pcall(job.find_command, call.find)
  answers[1] = encode(done and { found = said } or { error = said })
end
print(table.concat(answers, "\n"))
