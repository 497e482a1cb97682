// bytes packed by Python's lzma (FORMAT_ALONE) and written in base 85; browsers unpack gzip alone, which is a quarter larger
const unpack = (() => {
  'use strict';
  const signs = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%.()*+-;,=:?@^_`{|}~';
  const HEADER = 13;

  function bytesOf(text) {
    const values = new Uint8Array(128), bytes = new DataView(new ArrayBuffer((text.length / 5) * 4));
    for (let at = 0; at < signs.length; at += 1) values[signs.charCodeAt(at)] = at;
    for (let at = 0, to = 0; at < text.length; at += 5, to += 4) {
      let value = 0;
      for (let digit = 0; digit < 5; digit += 1) value = value * 85 + values[text.charCodeAt(at + digit)];
      bytes.setUint32(to, value);
    }
    return new Uint8Array(bytes.buffer);
  }

  // as the LZMA specification of the public domain: a range decoder, literals, matches and four repeated distances
  function inflated(source, size) {
    const odds = (number) => new Uint16Array(number).fill(1024);
    const lc = source[0] % 9, lp = Math.floor(source[0] / 9) % 5, pb = Math.floor(source[0] / 45);
    const lpMask = (1 << lp) - 1, pbMask = (1 << pb) - 1;
    const out = new Uint8Array(size), literal = odds(0x300 << (lc + lp));
    const isMatch = odds(192), isRep = odds(12), isRepG0 = odds(12), isRepG1 = odds(12), isRepG2 = odds(12);
    const isRep0Long = odds(192), slots = odds(256), places = odds(115), align = odds(16);
    const lengths = [0, 1].map(() => ({ choice: odds(2), low: odds(128), mid: odds(128), high: odds(256) }));
    let at = HEADER + 5, range = 0xffffffff, code = 0;
    for (let first = 1; first < 5; first += 1) code = ((code << 8) | source[HEADER + first]) >>> 0;

    function bit(table, index) {
      const odd = table[index], bound = (range >>> 11) * odd;
      let found = 0;
      if (code < bound) {
        range = bound;
        table[index] = odd + ((2048 - odd) >> 5);
      } else {
        range -= bound;
        code -= bound;
        table[index] = odd - (odd >> 5);
        found = 1;
      }
      if (range < 0x1000000) {
        range = (range << 8) >>> 0;
        code = ((code << 8) | source[at++]) >>> 0;
      }
      return found;
    }
    function direct(number) {
      let found = 0;
      for (let left = number; left > 0; left -= 1) {
        range >>>= 1;
        found *= 2;
        if (code >= range) {
          code -= range;
          found += 1;
        }
        if (range < 0x1000000) {
          range = (range << 8) >>> 0;
          code = ((code << 8) | source[at++]) >>> 0;
        }
      }
      return found;
    }
    function tree(table, base, number) {
      let found = 1;
      for (let left = number; left > 0; left -= 1) found = (found << 1) | bit(table, base + found);
      return found - (1 << number);
    }
    function reversed(table, base, number) {
      let place = 1, found = 0;
      for (let left = 0; left < number; left += 1) {
        const one = bit(table, base + place);
        place = (place << 1) | one;
        found |= one << left;
      }
      return found;
    }
    function length(of, state) {
      if (!bit(of.choice, 0)) return tree(of.low, state << 3, 3);
      return bit(of.choice, 1) ? 16 + tree(of.high, 0, 8) : 8 + tree(of.mid, state << 3, 3);
    }
    function distance(long) {
      const slot = tree(slots, Math.min(long, 3) << 6, 6);
      if (slot < 4) return slot;
      const number = (slot >> 1) - 1, start = (2 | (slot & 1)) * 2 ** number;
      if (slot < 14) return start + reversed(places, start - slot, number);
      return start + direct(number - 4) * 16 + reversed(align, 0, 4);
    }

    let state = 0, pos = 0, rep0 = 0, rep1 = 0, rep2 = 0, rep3 = 0;
    while (pos < size) {
      const here = pos & pbMask;
      if (!bit(isMatch, (state << 4) + here)) {
        const base = 0x300 * (((pos & lpMask) << lc) + ((pos ? out[pos - 1] : 0) >> (8 - lc)));
        let sign = 1;
        if (state >= 7) {
          let match = out[pos - rep0 - 1];
          while (sign < 0x100) {
            const high = (match >> 7) & 1, one = bit(literal, base + ((1 + high) << 8) + sign);
            match <<= 1;
            sign = (sign << 1) | one;
            if (high !== one) break;
          }
        }
        while (sign < 0x100) sign = (sign << 1) | bit(literal, base + sign);
        out[pos++] = sign;
        state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
        continue;
      }
      let long = 0;
      if (bit(isRep, state)) {
        if (!bit(isRepG0, state)) {
          if (!bit(isRep0Long, (state << 4) + here)) {
            state = state < 7 ? 9 : 11;
            out[pos] = out[pos - rep0 - 1];
            pos += 1;
            continue;
          }
        } else if (!bit(isRepG1, state)) {
          [rep0, rep1] = [rep1, rep0];
        } else if (!bit(isRepG2, state)) {
          [rep0, rep1, rep2] = [rep2, rep0, rep1];
        } else {
          [rep0, rep1, rep2, rep3] = [rep3, rep0, rep1, rep2];
        }
        long = length(lengths[1], here);
        state = state < 7 ? 8 : 11;
      } else {
        [rep1, rep2, rep3] = [rep0, rep1, rep2];
        long = length(lengths[0], here);
        state = state < 7 ? 7 : 10;
        rep0 = distance(long);
      }
      for (let left = Math.min(long + 2, size - pos); left > 0; left -= 1, pos += 1) out[pos] = out[pos - rep0 - 1];
    }
    return out;
  }

  return (name) => {
    const element = document.getElementById(name);
    return new TextDecoder().decode(inflated(bytesOf(element.textContent), Number(element.dataset.size)));
  };
})();
