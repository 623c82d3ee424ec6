// Names and classes of what is held.

class Instruments {
  name(symbol: string): string {
    return symbol
  }

  class(_symbol: string): string {
    return 'Securities'
  }
}

export const instruments = new Instruments()
