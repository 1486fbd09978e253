/**
 * British spellings to American ones: regular families by stem and ending, and the rest word by word. It need not be
 * pretty, only the same for both sides, and it must never make two words one.
 */

const stems = (text: string): string[] => text.trim().split(/\s+/);

/** British stem → American stem, for the families whose endings follow the stem without a change. */
const FAMILIES: readonly {
  readonly stems: readonly string[];
  readonly from: RegExp;
  readonly to: string;
  readonly endings: readonly string[];
}[] = [
  {
    stems: stems(`arbour ardour armour behaviour candour clamour clangour colour demeanour discolour dishonour dolour
      enamour endeavour favour fervour flavour glamour harbour honour humour labour misbehaviour misdemeanour neighbour
      odour parlour rancour rigour rumour saviour savour splendour succour tumour valour vapour vigour watercolour
      belabour disfavour multicolour technicolour`),
    from: /our$/,
    to: 'or',
    endings: stems(
      '- s ed ing er ers able ably ful fully less hood hoods ly liness ite ites itism al ally ist ists y ies eds',
    ),
  },
  {
    stems: stems(`accoutre calibre centre fibre goitre lacklustre litre louvre lustre manoeuvre meagre mitre nitre ochre
      philtre reconnoitre sabre saltpetre sceptre sepulchre sombre spectre theatre titre epicentre amphitheatre metre
      kilometre centimetre millimetre millilitre nanometre micrometre microfibre`),
    from: /re$/,
    to: 'er',
    endings: stems('- s d'),
  },
  {
    stems: stems('analogue catalogue dialogue epilogue monologue prologue travelogue homologue pedagogue demagogue'),
    from: /gue$/,
    to: 'g',
    endings: stems('- s'),
  },
  {
    stems: stems(`barrell bevell bejewell cancell caroll cavill channell chisell counsell cudgell diall
      disembowell dishevell duell enamell equall fuell funnell gravell grovell gruell imperill initiall jewell kennell
      labell laurell levell libell marshall marvell modell panell parcell pedall pencill pummell quarrell ravell refuell
      remodell revell rivall shovell shrivell signall snivell spirall stencill swivell symboll tassell tinsell totall
      towell travell trammell trowell tunnell unravell yodell`),
    from: /ll$/,
    to: 'l',
    endings: stems('ed ing er ers ings ery or ors ist ists ous ously'),
  },
  {
    stems: stems(`analy breathaly cataly dialy electroly hydroly paraly psychoanaly`).map((stem) => `${stem}s`),
    from: /s$/,
    to: 'z',
    endings: stems('e ed er ers ing'),
  },
];

/** Words with "-ise" that Americans spell so too. */
const ALWAYS_S = new Set(
  stems(`advertis advis appris bruis chastis circumcis compris compromis concis cruis demis despis devis disguis enterpris
    exercis expertis franchis improvis incis merchandis paradis prais precis premis promis repris revis supervis surmis surpris
    televis treatis apprais fundrais disenfranchis`),
);

/** Too short to be a verb with "-ise": "rise", "wised". */
const ISE_STEM_LETTERS_MIN = 3;

const IRREGULAR = pairsOf(`
  acknowledgement acknowledgment | acknowledgements acknowledgments | aeon eon | aeons eons | aesthete esthete |
  aesthetic esthetic | aesthetics esthetics | aesthetically esthetically | aetiology etiology | ageing aging |
  aluminium aluminum | amoeba ameba | amoebae amebae | anaemia anemia | anaemic anemic | anaesthesia anesthesia |
  anaesthetic anesthetic | anaesthetics anesthetics | anaesthetist anesthetist | anaesthetise anesthetize |
  apnoea apnea | appal appall | archaeology archeology | archaeologist archeologist | archaeologists archeologists |
  archaeological archeological | artefact artifact | artefacts artifacts | bogeyman boogeyman | caesarean cesarean |
  caesium cesium | cancelation cancellation | cancelations cancellations | callipers calipers | cheque check |
  cheques checks | chequebook checkbook | chequered checkered | chilli chili | chillies chilies | coeliac celiac |
  cosy cozy | cosier cozier | cosiest coziest | cosily cozily | cosiness coziness | councillor councilor |
  councillors councilors | defence defense | defences defenses | defenceless defenseless | diarrhoea diarrhea |
  doughnut donut | doughnuts donuts | draught draft | draughts drafts | draughty drafty | draughtsman draftsman |
  driveller driveler | drivelling driveling | encyclopaedia encyclopedia | encyclopaedias encyclopedias |
  encyclopaedic encyclopedic | enrol enroll | enrols enrolls | enrolment enrollment | enrolments enrollments |
  enthral enthrall | enthrals enthralls | faecal fecal | faeces feces | flautist flutist | foetal fetal |
  foetus fetus | foetuses fetuses | fulfil fulfill | fulfils fulfills | fulfilment fulfillment | furore furor |
  grey gray | greys grays | greyer grayer | greyest grayest | greyish grayish | greying graying | greyed grayed |
  greyness grayness | gynaecology gynecology | gynaecologist gynecologist | gynaecological gynecological |
  haemoglobin hemoglobin | haemophilia hemophilia | haemophiliac hemophiliac | haemorrhage hemorrhage |
  haemorrhages hemorrhages | haemorrhaging hemorrhaging | haemorrhoids hemorrhoids | homoeopath homeopath |
  homoeopathy homeopathy | instalment installment | instalments installments | instil instill | instils instills |
  jewellery jewelry | judgement judgment | judgements judgments | kerb curb | kerbs curbs | kerbside curbside |
  leukaemia leukemia | licence license | licences licenses | likeable likable | liveable livable |
  lodgement lodgment | manoeuvred maneuvered | manoeuvring maneuvering | manoeuvrable maneuverable |
  manoeuvrability maneuverability | manoeuvre maneuver | manoeuvres maneuvers | marvellous marvelous |
  mediaeval medieval | mollusc mollusk | molluscs mollusks | mould mold | moulds molds | moulded molded |
  moulding molding | mouldings moldings | mouldy moldy | moult molt | moults molts | moulted molted |
  moulting molting | moustache mustache | moustaches mustaches | moustachioed mustachioed | oedema edema |
  oesophagus esophagus | oestrogen estrogen | offence offense | offences offenses | omelette omelet |
  omelettes omelets | orthopaedic orthopedic | orthopaedics orthopedics | paediatric pediatric |
  paediatrics pediatrics | paediatrician pediatrician | paediatricians pediatricians | paedophile pedophile |
  paedophilia pedophilia | palaeolithic paleolithic | palaeontology paleontology | palaeontologist paleontologist |
  plough plow | ploughs plows | ploughed plowed | ploughing plowing | ploughman plowman | practise practice |
  practised practiced | practises practices | practising practicing | pretence pretense | pretences pretenses |
  programme program | programmes programs | pyjama pajama | pyjamas pajamas | sceptic skeptic | sceptics skeptics |
  sceptical skeptical | sceptically skeptically | scepticism skepticism | skilful skillful | skilfully skillfully |
  smoulder smolder | smoulders smolders | smouldered smoldered | smouldering smoldering | snowplough snowplow |
  storey story | storeys stories | sulphate sulfate | sulphates sulfates | sulphide sulfide | sulphur sulfur |
  sulphuric sulfuric | sulphurous sulfurous | theatregoer theatergoer | theatregoers theatergoers |
  tranquillity tranquility | tyre tire | tyres tires | unskilful unskillful | whisky whiskey | whiskies whiskeys |
  wilful willful | wilfully willfully | woollen woolen | woollens woolens | woolly wooly | benefitted benefited |
  benefitting benefiting | biassed biased | centring centering | centrepiece centerpiece |
  centrepieces centerpieces | fibreglass fiberglass | lustreless lusterless | meagrely meagerly |
  meagreness meagerness | sombrely somberly | cataloguing cataloging | catalogued cataloged | gruelling grueling |
  pummelled pummeled | pummelling pummeling
`);

const TABLE: ReadonlyMap<string, string> = new Map([...families(), ...IRREGULAR]);

/** The American spelling of a word in lower case; any other word as it is. */
export function americanSpelling(word: string): string {
  return TABLE.get(word) ?? withZ(word);
}

/** "organise", "organisation" and their like with a z, unless they have their s in America too. */
function withZ(word: string): string {
  const [, stem, ending] = /^([a-z]+is)(e|ed|es|er|ers|ing|ation|ations|ational|able)$/.exec(word) ?? [];
  if (stem === undefined || ending === undefined || stem.length < ISE_STEM_LETTERS_MIN + 2 || ALWAYS_S.has(stem))
    return word;
  return `${stem.slice(0, -1)}z${ending}`;
}

function families(): [string, string][] {
  return FAMILIES.flatMap(({ stems: british, from, to, endings }) =>
    british.flatMap((stem) =>
      endings.map((ending): [string, string] => {
        const end = ending === '-' ? '' : ending;
        return [stem + end, stem.replace(from, to) + end];
      }),
    ),
  );
}

function pairsOf(text: string): [string, string][] {
  return text.split('|').map((pair) => {
    const [british = '', american = ''] = stems(pair);
    return [british, american];
  });
}
