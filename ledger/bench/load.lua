-- The requests that wrk sends, and its figures as one line of JSON.
-- Arguments: kind (transfer, batch, get or post), key, payee (- is a random one), path, body, parties, items, entries,
-- after.

local kind, payee, path, body, parties, items, entries, after, head, prefix
local n = 0

function init(args)
  kind, payee, path, body = args[1], args[3], args[4], args[5]
  parties, items, entries, after = tonumber(args[6]), tonumber(args[7]), tonumber(args[8]), tonumber(args[9])
  local random = io.open("/dev/urandom", "rb")
  local seed = 0
  prefix = random:read(8):gsub(".", function(byte)
    seed = (seed * 31 + byte:byte()) % 2147483647
    return string.format("%02x", byte:byte())
  end)
  random:close()
  math.randomseed(seed)
  head = " HTTP/1.1\r\nHost: " .. wrk.host .. "\r\nAuthorization: Bearer " .. args[2] .. "\r\n"
end

local function key()
  n = n + 1
  return prefix .. n
end

local function transfer(begin)
  local from = math.random(parties)
  local to = payee
  if to == "-" then
    -- Any but the payer, each as likely as the other.
    to = "user" .. (from + math.random(parties - 1) - 1) % parties + 1
  end
  return begin .. '"from":"user' .. from .. '","to":"' .. to .. '","amount":' .. math.random(99) .. ',"currency":"EUR"}'
end

local function post(target, more, json)
  return "POST " .. target .. head .. more .. "Content-Type: application/json\r\nContent-Length: " .. #json
    .. "\r\n\r\n" .. json
end

function request()
  if kind == "transfer" then
    return post("/v1/transfers", "Idempotency-Key: " .. key() .. "\r\n", transfer("{"))
  elseif kind == "batch" then
    local list = {}
    for i = 1, items do
      list[i] = transfer('{"key":"' .. key() .. '",')
    end
    return post("/v1/transfers/batch", "", '{"transfers":[' .. table.concat(list, ",") .. "]}")
  end
  local party = "user" .. math.random(parties)
  local target = path:gsub("{party}", party):gsub("{entry}", after + math.random(entries - after))
  if kind == "post" then
    return post(target, "Idempotency-Key: " .. key() .. "\r\n", (body:gsub("{party}", party)))
  end
  return "GET " .. target .. head .. "\r\n"
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.6f, "p50_ms": %.4f, "p99_ms": %.4f, "errors": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout
  ))
end
