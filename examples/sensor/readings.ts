/** The temperature of a boiler that heats up and cools down again, with the noise of a cheap sensor on it. */

const middle = 70;
const swing = 16;
const noise = 0.4;

/**
 * @param second since the start, when it is coldest; a cycle takes `cycleSeconds`, and is above 80 °C in one stretch of it
 * @param random 0 to 1
 * @returns degrees Celsius, to one decimal
 */
export function temperatureAt(second: number, cycleSeconds: number, random: number): number {
  const wave = -Math.cos((2 * Math.PI * second) / cycleSeconds);
  return Math.round((middle + swing * wave + noise * (2 * random - 1)) * 10) / 10;
}
