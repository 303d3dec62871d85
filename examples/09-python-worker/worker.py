"""Runs tasks of a Troupe queue, one at a time, with the standard library alone; docs/task-protocol.md is all it knows."""
import json, signal, socket, sys, threading, time, traceback, urllib.parse, uuid

class Redis:
    def __init__(self, url): self.url, self.socket = url, None
    def __call__(self, *words):
        while True:  # whatever a worker says may be said twice
            try: return self.say(words)
            except OSError as error: self.socket = print(f'{error}: trying again', file=sys.stderr)
            time.sleep(1)
    def say(self, words):
        if not self.socket:
            self.socket = socket.create_connection((self.url.hostname, self.url.port or 6379), timeout=10)
            self.answers = self.socket.makefile('rb')
            if self.url.password: self.say(['AUTH', self.url.username or 'default', urllib.parse.unquote(self.url.password)])
        words = [str(word).encode() for word in words]
        self.socket.sendall(b'*%d\r\n' % len(words) + b''.join(b'$%d\r\n%b\r\n' % (len(word), word) for word in words))
        return self.answer()
    def answer(self):
        kind, rest = (line := self.answers.readline().decode())[:1], line[1:].strip()
        if kind in '-': raise (SystemExit if rest.startswith('NEWER') else OSError)(rest or 'Redis has closed the connection')
        if kind == '*': return [self.answer() for _ in range(int(rest))]
        if kind == '$' and rest != '-1': return self.answers.read(int(rest) + 2)[:-2].decode()
        return rest if kind != '$' else None

def report_of(functions, order):
    try:
        signal.setitimer(signal.ITIMER_REAL, order.get('timeoutMs', 0) / 1000)
        output = functions[order['task']](json.loads(order['input'] or 'null'), order)
        return {'ok': True, 'output': json.dumps(output, allow_nan=False)}
    except Exception as error:
        info = {'name': type(error).__name__, 'message': str(error), 'stack': traceback.format_exc()}
        return {'ok': False, 'error': json.dumps(info), 'retryable': not getattr(error, 'is_final', False)}

def serve(url, queue, functions):
    url, name, held, stops = urllib.parse.urlsplit(url), f'{socket.gethostname()}-{uuid.uuid4().hex[:8]}', [], []
    redis, channel = Redis(url), dict(urllib.parse.parse_qsl(url.query)).get('prefix', 'troupe') + ':q:' + queue
    version, keys, *scripts = redis('HMGET', '{%s}:protocol' % channel, 'version', 'keys', 'take', 'extend', 'finish', 'return', 'retire')
    if version != '1': sys.exit(f'queue {queue} speaks version {version} of the protocol, this worker speaks 1')
    keys, (take, extend, finish, give_back, retire) = json.loads(keys), scripts
    def run(script, *args, redis=redis): return redis('EVAL', script, len(keys), *keys, *args)
    def beat(redis):
        while not time.sleep(0.5):
            for attempt in list(held): run(extend, name, *attempt, '', redis=redis)
    def interrupt(number, _):
        if number != signal.SIGALRM: stops.append(number)
        if held: raise TimeoutError('the attempt took too long') if number == signal.SIGALRM else KeyboardInterrupt
    for number in signal.SIGTERM, signal.SIGINT, signal.SIGALRM: signal.signal(number, interrupt)
    threading.Thread(target=beat, args=[Redis(url)], daemon=True).start()
    while not stops:
        if not (taken := run(take, name, 1)):
            time.sleep(0.2)
            continue
        try:
            held[:] = [taken[:3]]
            report = report_of(functions, json.loads(taken[3]))
            held.clear()
            run(finish, name, *taken[:3], 'completed' if report['ok'] else 'failed', json.dumps(report))
        except KeyboardInterrupt: run(give_back, name, *taken[:3], channel)
    run(retire, name)
