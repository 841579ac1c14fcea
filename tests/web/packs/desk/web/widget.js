/** A widget that counts, and one that throws. */
export default {
  counter: {
    mount(element, knob) {
      const button = document.createElement("button");
      button.id = knob.id;
      let now = knob;
      const update = (next) => {
        now = next;
        button.textContent = `${now.label} ${now.value} ${now.theme}`;
      };
      button.onclick = () => now.onChange(String(Number(now.value) + 1));
      update(knob);
      element.append(button);
      return { update };
    },
  },
  broken: {
    mount() {
      throw new Error("this pad is broken");
    },
  },
};
