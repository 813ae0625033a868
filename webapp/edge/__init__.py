"""Where the program meets the network: who is let in and how often, what is sent out; core below, the faces above."""
