-- Reads JSON (RFC 8259), as `stembridge bounce --json` and manifest.json have it. Lua 5.3 or newer.
--
--   local json = dofile("stembridge_json.lua")
--   local value = json.decode(text)   -- raises "JSON: ... at byte N" for anything else
--
-- Objects and arrays become tables, null becomes `json.null`, whole numbers stay integers.
local json = { null = setmetatable({}, { __tostring = function() return "null" end }) }

local MOST_NESTED = 100 -- deeper text would overflow the stack before it is refused
local ESCAPES = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }
local WORDS = { { "true", true }, { "false", false }, { "null", json.null } }

local function fail(what, at) error(("JSON: %s at byte %d"):format(what, at), 0) end

local function skip(text, at) return text:find("[^ \t\r\n]", at) or #text + 1 end

-- The character of \uXXXX at `at`, and what follows it.
local function unescape_unicode(text, at)
  local unit = tonumber(text:match("^u(%x%x%x%x)", at) or fail("four hexadecimal digits expected", at), 16)
  if unit >= 0xD800 and unit < 0xDC00 then
    local low = tonumber(text:match("^\\u([dD][c-fC-F]%x%x)", at + 5) or "", 16)
    if low then return utf8.char(0x10000 + (unit - 0xD800) * 0x400 + low - 0xDC00), at + 11 end
  end
  -- Python writes a byte of a file's name that is no UTF-8 as such a unit.
  if unit >= 0xDC80 and unit <= 0xDCFF then return string.char(unit - 0xDC00), at + 5 end
  return utf8.char(unit), at + 5
end

local function read_string(text, at)
  local parts = {}
  while true do
    local stop = text:find('["\\\0-\31]', at) or fail("a string that does not end", at)
    parts[#parts + 1] = text:sub(at, stop - 1)
    local found = text:sub(stop, stop)
    if found == '"' then return table.concat(parts), stop + 1 end
    if found ~= "\\" then fail("a control character in a string", stop) end
    local escaped = text:sub(stop + 1, stop + 1)
    if escaped == "u" then
      parts[#parts + 1], at = unescape_unicode(text, stop + 1)
    else
      parts[#parts + 1] = ESCAPES[escaped] or fail("an unknown escape", stop)
      at = stop + 2
    end
  end
end

local read_value

local function read_array(text, at, depth)
  local values = {}
  at = skip(text, at)
  if text:sub(at, at) == "]" then return values, at + 1 end
  while true do
    values[#values + 1], at = read_value(text, at, depth)
    at = skip(text, at)
    local found = text:sub(at, at)
    if found == "]" then return values, at + 1 end
    if found ~= "," then fail("',' or ']' expected", at) end
    at = at + 1
  end
end

local function read_object(text, at, depth)
  local values = {}
  at = skip(text, at)
  if text:sub(at, at) == "}" then return values, at + 1 end
  while true do
    at = skip(text, at)
    if text:sub(at, at) ~= '"' then fail("a name in quotes expected", at) end
    local name
    name, at = read_string(text, at + 1)
    at = skip(text, at)
    if text:sub(at, at) ~= ":" then fail("':' expected", at) end
    values[name], at = read_value(text, at + 1, depth)
    at = skip(text, at)
    local found = text:sub(at, at)
    if found == "}" then return values, at + 1 end
    if found ~= "," then fail("',' or '}' expected", at) end
    at = at + 1
  end
end

local function read_number(text, at)
  local whole = text:match("^-?%d+", at) or fail("a value expected", at)
  if whole:find("^-?0%d") then fail("a number that begins with 0", at) end
  local fraction = text:match("^%.%d+", at + #whole) or ""
  local exponent = text:match("^[eE][+-]?%d+", at + #whole + #fraction) or ""
  local number = whole .. fraction .. exponent
  return tonumber(number), at + #number
end

read_value = function(text, at, depth)
  if depth > MOST_NESTED then fail("too many brackets", at) end
  at = skip(text, at)
  local found = text:sub(at, at)
  if found == "{" then return read_object(text, at + 1, depth + 1) end
  if found == "[" then return read_array(text, at + 1, depth + 1) end
  if found == '"' then return read_string(text, at + 1) end
  for _, word in ipairs(WORDS) do
    if text:sub(at, at + #word[1] - 1) == word[1] then return word[2], at + #word[1] end
  end
  return read_number(text, at)
end

function json.decode(text)
  local value, at = read_value(text, 1, 0)
  at = skip(text, at)
  if at <= #text then fail("something after the value", at) end
  return value
end

return json
