-- For wrk: each thread sends its share of a list, with PAGES pages before each, and notes what was answered.
--
-- wrk … SCRIPT URL -- LIST NOTES THREADS COOKIE PAGES
-- LIST: a line each, PATH <tab> CONTENT-TYPE <tab> BODY. NOTES.n: a line each, STATUS <tab> ANSWER.

local threads = 0

function setup(thread)
  thread:set("place", threads)
  threads = threads + 1
end

function init(args)
  local number, share = 0, tonumber(args[3])
  questions, asked, turn = {}, 0, 0
  cookie, pages = args[4], tonumber(args[5])
  for line in io.lines(args[1]) do
    if number % share == place then
      questions[#questions + 1] = line
    end
    number = number + 1
  end
  notes = io.open(args[2] .. "." .. place, "w")
end

function request()
  turn = turn + 1
  -- A page first: wrk asks once for a request that it does not send.
  if turn % (pages + 1) ~= 0 or asked == #questions then
    return wrk.format("GET", "/", { ["Cookie"] = cookie })
  end
  asked = asked + 1
  local path, kind, body = questions[asked]:match("^(.-)\t(.-)\t(.*)$")
  return wrk.format("POST", path, { ["Cookie"] = cookie, ["Content-Type"] = kind }, body)
end

function response(status, headers, body)
  -- A page that is as it should be is counted by wrk itself.
  if status == 200 and headers["content-type"] == "text/html; charset=utf-8" then
    return
  end
  notes:write(status, "\t", headers["location"] or body:gsub("\n", " "), "\n")
  notes:flush()
end

function done(summary, latency, requests)
  local errors = summary.errors
  local broken = errors.connect + errors.read + errors.write
  io.write(string.format(
    '\n{"requests":%d,"seconds":%.3f,"broken":%d,"late":%d,"refused":%d,"p50":%.1f,"p99":%.1f}\n',
    summary.requests, summary.duration / 1000000, broken, errors.timeout, errors.status,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
